import { type ConfigOf, type OptionComplaint, option } from '#api'

/** The options of the module. */
export const options = {
  services: option
    .list(option.string().min(1).max(255))
    .min(1)
    .distinct()
    .default(['upload'])
    .describe('The domains of the service; a name without a dot stands for that name before the domain of the host.'),
  name: option.string().max(256).default('File upload').describe('What the service is called in lists.'),
  limits: option
    .group({
      fileSize: option.bytes().min('1KiB').orOff().default('100MiB').describe('The largest file.'),
      quota: option
        .bytes()
        .min('1KiB')
        .orOff()
        .default('500MiB')
        .describe('What all files of one account may take up.'),
      files: option.int().min(1).orOff().default(10_000).describe('How many files one account can have.'),
      profileSize: option
        .bytes()
        .min('1KiB')
        .orOff()
        .default('5MiB')
        .describe('The largest file of a profile, such as a picture.'),
      profileQuota: option
        .bytes()
        .min('1KiB')
        .orOff()
        .default('20MiB')
        .describe('What all files of one account’s profile may take up, within the quota.'),
      guestQuota: option
        .bytes()
        .min('1KiB')
        .orOff()
        .default('500MiB')
        .describe('What all files of all guests (module anonymous) may take up together.'),
      openSlots: option
        .int()
        .min(1)
        .orOff()
        .default(20)
        .describe('How many files one account may have announced and not sent yet.'),
      perMinute: option.int().min(1).orOff().default(30).describe('How many files one account may announce a minute.'),
    })
    .describe('How much accounts may upload.'),
  retention: option
    .group({
      message: option.duration().min('1m').orOff().default('30d').describe('Files that were sent to somebody.'),
      profile: option
        .duration()
        .min('1m')
        .orOff()
        .default(0)
        .describe('Files of profiles; off is as long as the account.'),
    })
    .describe('How long files are kept.'),
  slotTime: option
    .duration()
    .min('1m')
    .default('5m')
    .describe('How soon a file that was announced has to come; XEP-0363 recommends five minutes.'),
  uploadTime: option.duration().min('1m').orOff().default('2h').describe('How long a file may take to come.'),
  s3: option
    .group({
      endpoint: option
        .string()
        .matching(/^https?:\/\/[^/?#\s]+\/?$/, 'the http or https address of a server, such as https://s3.example.org')
        .optional()
        .describe('The server; files are kept in the data folder unless there is one.')
        .example('https://s3.eu-central-1.amazonaws.com'),
      region: option.string().min(1).default('us-east-1').describe('The region in signatures.'),
      bucket: option
        .string()
        .matching(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/, 'the name of a bucket')
        .optional()
        .describe('The bucket, which is there already and readable for nobody else.')
        .example('stonechat-files'),
      accessKey: option.string().min(1).optional().describe('The name of the key.').example('AKIAEXAMPLE'),
      secretKey: option.secret().min(1).optional().describe('The key.').example('{ file: s3.key }'),
    })
    .describe('Where files are kept instead of the data folder: a store that speaks S3.'),
}

/** The options as a host has them. */
export type UploadConfig = ConfigOf<typeof options>

/** What is wrong with options that are right one by one. */
export function complaintsOf({ limits, s3 }: UploadConfig): OptionComplaint[] {
  const complaints: OptionComplaint[] = []
  const { fileSize, quota, profileSize, profileQuota } = limits
  if (quota > 0 && (fileSize === 0 || fileSize > quota))
    complaints.push({
      option: 'limits.fileSize',
      message: 'is more than limits.quota, so that such a file could never be uploaded',
      cure: 'Lower it, or raise the quota.',
    })
  if (profileQuota > 0 && (profileSize === 0 || profileSize > profileQuota))
    complaints.push({
      option: 'limits.profileSize',
      message: 'is more than limits.profileQuota, so that such a file could never be uploaded',
      cure: 'Lower it, or raise the quota.',
    })
  const given = (['endpoint', 'bucket', 'accessKey', 'secretKey'] as const).filter((key) => s3[key] !== undefined)
  if (given.length > 0 && given.length < 4)
    complaints.push({
      option: `s3.${given[0]}`,
      message: 'is given, but not all of s3.endpoint, s3.bucket, s3.accessKey and s3.secretKey are',
      cure: 'Give the others, too, or none of them.',
    })
  return complaints
}
