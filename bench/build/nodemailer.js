// Messages built by Nodemailer, read as a stream: see run.py.
const fs = require('fs');
const nodemailer = require(process.env.NODEMAILER);

const [kind, seconds, folder] = process.argv.slice(2);
const text = fs.readFileSync(folder + '/text.txt', 'utf8');
const page = fs.readFileSync(folder + '/page.html', 'utf8');
const octets = fs.readFileSync(folder + '/octets.bin');
const transport = nodemailer.createTransport({ streamTransport: true, newline: 'windows' });

function memory(name) {
  return Number(fs.readFileSync('/proc/self/status', 'latin1').match(new RegExp(name + ':\\s*(\\d+)'))[1]);
}

function build() {
  const mail = {
    from: 'Иван Петров <ivan@example.com>',
    to: 'Мария Сидорова <maria@example.com>',
    subject: 'Отчёт за ноябрь: всё готово, посмотрите',
    text,
  };
  if (kind === 'parts') {
    mail.html = page;
    mail.attachments = [1, 2, 3].map(() => ({ filename: 'octets.bin', content: octets }));
  } else if (kind === 'large') {
    mail.attachments = [{ filename: 'large.bin', path: folder + '/large.bin' }];
  }
  return new Promise((resolve, reject) => {
    transport.sendMail(mail, (error, info) => {
      if (error) return reject(error);
      let n = 0;
      info.message.on('data', (piece) => { n += piece.length; });
      info.message.on('end', () => resolve(n));
      info.message.on('error', reject);
    });
  });
}

(async () => {
  const before = memory('VmRSS');
  const begin = process.cpuUsage();
  let count = 0, total = 0, took = 0;
  while (took < Number(seconds)) {
    total += await build();
    count++;
    const used = process.cpuUsage(begin);
    took = (used.user + used.system) / 1e6;
  }
  console.log(`${count} ${total} ${took.toFixed(6)} ${memory('VmHWM') - before}`);
})();
