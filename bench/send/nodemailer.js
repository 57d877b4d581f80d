// Nodemailer's pool: see peer.h.
const fs = require('fs');
const nodemailer = require(process.env.NODEMAILER);

const [host, port, ...rest] = process.argv.slice(2);
const [mails, size, recipients, connections] = rest.slice(0, 4).map(Number);
const words = rest.slice(4);
const header = [
  'From: Sender <sender@example.com>', 'To: Recipient <recipient0@example.com>', 'Subject: benchmark',
  'Date: Fri, 21 Nov 2025 10:00:00 +0000', 'Message-ID: <1@example.com>', 'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8', '', '',
].join('\r\n');
const line = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.repeat(3).slice(0, 76) + '\r\n';
const count = Math.max(1, Math.floor((size - header.length) / line.length));
const raw = Buffer.from(header + line + (count > 1 ? '.' + line.slice(1) + line.repeat(count - 2) : ''));
const tls = words.includes('tls');
const options = { host, port: Number(port), name: 'client.example', secure: tls, ignoreTLS: !tls };
if (tls) options.tls = { ca: fs.readFileSync(process.env.BENCH_CA) };
if (!words.includes('new')) Object.assign(options, { pool: true, maxConnections: connections, maxMessages: Infinity });

function mail() {
  const to = Array.from({ length: recipients }, (_, i) => `recipient${i}@example.com`);
  if (!words.includes('file')) return { envelope: { from: 'sender@example.com', to }, raw };
  return {
    from: 'Sender <sender@example.com>', to, subject: 'benchmark', text: 'See the file.\n',
    attachments: [{ filename: 'large.bin', path: process.env.BENCH_FILE }],
  };
}

(async () => {
  const begin = process.hrtime.bigint(), used = process.cpuUsage();
  const transport = nodemailer.createTransport(options);
  let started = 0;
  const sendSome = async () => {
    while (started < mails) {
      started++;
      await transport.sendMail(mail());
    }
  };
  await Promise.all(Array.from({ length: connections }, sendSome));
  transport.close();
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9, { user, system } = process.cpuUsage(used);
  const peak = fs.readFileSync('/proc/self/status', 'latin1').match(/VmHWM:\s*(\d+)/)[1];
  console.log(`${seconds.toFixed(6)} ${((user + system) / 1e6).toFixed(6)} ${peak}`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
