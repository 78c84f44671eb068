import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Answers } from '../../../../modules/stream-management/answers.ts'

let inbox: { accepted: number; handled: number }
let sent: number[]
let answers: Answers

beforeEach(() => {
  inbox = { accepted: 0, handled: 0 }
  sent = []
  answers = new Answers(inbox, () => sent.push(inbox.handled))
})
const takeUp = (count = 1) => {
  inbox.accepted += count
}
const handle = (count = 1) => {
  for (; count > 0; count--) {
    inbox.handled++
    answers.progressed()
  }
}

test('with nothing under way each request is answered at once', () => {
  takeUp()
  handle()
  assert.equal(answers.request(0), false)
  assert.equal(answers.request(0), false)
  assert.deepEqual(sent, [1, 1])
})

test('an answer covers what came before its request, not what comes after', () => {
  takeUp(2)
  assert.equal(answers.request(0), true)
  takeUp(3)
  handle()
  assert.deepEqual(sent, [])
  handle()
  assert.deepEqual(sent, [2])
  handle(3)
  assert.deepEqual(sent, [2])
})

test('a stream of requests is answered as it is handled, not at its end', () => {
  for (let n = 0; n < 10; n++) {
    takeUp()
    answers.request(0)
  }
  handle(1)
  assert.deepEqual(sent, [1])
  handle(9)
  assert.deepEqual(sent, [1, 10])
})

test('after its patience it says what is reached, and once more when the rest is', () => {
  takeUp(2)
  answers.request(0)
  handle()
  assert.equal(answers.tick(500), true)
  assert.deepEqual(sent, [])
  assert.equal(answers.tick(750), false)
  assert.deepEqual(sent, [1])
  assert.equal(answers.tick(5_000), false)
  handle()
  assert.deepEqual(sent, [1, 2])
  handle()
  assert.deepEqual(sent, [1, 2])
})

test('a request behind a late answer is waited for anew', () => {
  takeUp()
  answers.request(0)
  answers.tick(750)
  answers.request(800)
  assert.equal(answers.tick(1_500), true)
  assert.equal(answers.tick(1_550), false)
  assert.deepEqual(sent, [0, 0])
})

test('what was asked on a connection that is gone is not answered', () => {
  takeUp()
  answers.request(0)
  answers.forget()
  handle()
  assert.equal(answers.tick(10_000), false)
  assert.deepEqual(sent, [])
})
