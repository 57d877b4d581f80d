<?php
// PHPMailer, which has one connection and makes each message anew: see peer.h.
foreach (['Exception', 'PHPMailer', 'SMTP'] as $class) require getenv('PHPMAILER') . "/$class.php";

ini_set('memory_limit', '-1');
[, $host, $port, $mails, $size, $recipients] = $argv;
$words = array_slice($argv, 7);
$line = substr(str_repeat('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 3), 0, 76) . "\n";
$count = max(1, intdiv((int) $size - 230, 78));
$body = $line . ($count > 1 ? '.' . substr($line, 1) . str_repeat($line, $count - 2) : '');

function used() {
    $u = getrusage();
    return $u['ru_utime.tv_sec'] + $u['ru_stime.tv_sec'] + ($u['ru_utime.tv_usec'] + $u['ru_stime.tv_usec']) / 1e6;
}

function settle($mail, $host, $port, $words) {
    $mail->isSMTP();
    $mail->Host = $host;
    $mail->Port = (int) $port;
    $mail->Helo = $mail->Hostname = 'client.example';
    $mail->SMTPAutoTLS = false;
    $mail->SMTPKeepAlive = !in_array('new', $words);
    if (in_array('tls', $words)) {
        $mail->SMTPSecure = 'ssl';
        $mail->SMTPOptions = ['ssl' => ['cafile' => getenv('BENCH_CA')]];
    }
}

function write($mail, $recipients, $body, $words) {
    $mail->clearAllRecipients();
    $mail->clearAttachments();
    $mail->setFrom('sender@example.com', 'Sender');
    for ($i = 0; $i < (int) $recipients; $i++) $mail->addAddress("recipient$i@example.com");
    $mail->Subject = 'benchmark';
    $mail->Body = in_array('file', $words) ? 'See the file.' : $body;
    if (in_array('file', $words)) $mail->addAttachment(getenv('BENCH_FILE'));
}

$begin = hrtime(true);
$used = used();
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
settle($mail, $host, $port, $words);
for ($i = 0; $i < (int) $mails; $i++) {
    write($mail, $recipients, $body, $words);
    $mail->send();
}
$mail->smtpClose();
$seconds = (hrtime(true) - $begin) / 1e9;
$used = used() - $used;
preg_match('/VmHWM:\s*(\d+)/', file_get_contents('/proc/self/status'), $peak);
printf("%.6f %.6f %d\n", $seconds, $used, $peak[1]);
