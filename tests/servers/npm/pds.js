'use strict'
// A PDS and a PLC directory on loopback. Arguments: the port of each, and a folder of its own.
const http = require('node:http')
const { randomBytes } = require('node:crypto')
const listen = http.Server.prototype.listen
// both would listen to the whole world
http.Server.prototype.listen = function (port, ...more) {
  return listen.call(this, port, '127.0.0.1', ...more)
}
// libsql stands in for better-sqlite3, which would have to be compiled; its all() gives blobs in another shape
const Sqlite = require('better-sqlite3')
const prepare = Sqlite.prototype.prepare
const whole = (value) => (value instanceof ArrayBuffer ? Buffer.from(value) : value)
Sqlite.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  const all = statement.all.bind(statement)
  statement.all = (...given) =>
    all(...given).map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, whole(value)])))
  return statement
}
process.env.LOG_ENABLED ??= 'false'
const plc = require('@did-plc/server')
const { PDS, envToCfg, envToSecrets } = require('@atproto/pds')

const [port, plcPort, folder] = process.argv.slice(2)
async function main() {
  const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: Number(plcPort) })
  await directory.start()
  const env = {
    port: Number(port),
    hostname: 'localhost',
    serviceDid: 'did:web:localhost',
    devMode: true,
    inviteRequired: false,
    dataDirectory: folder,
    blobstoreDiskLocation: `${folder}/blobs`,
    didPlcUrl: `http://127.0.0.1:${plcPort}`,
    serviceHandleDomains: ['.test'],
    rateLimitsEnabled: false,
    crawlers: [],
    disableSsrfProtection: true,
    jwtSecret: randomBytes(16).toString('hex'),
    dpopSecret: randomBytes(32).toString('hex'),
    adminPassword: process.env.PDS_ADMIN_PASSWORD,
    plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
  }
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  await pds.start()
  process.stdout.write('ready\n')
}
main().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1) })
