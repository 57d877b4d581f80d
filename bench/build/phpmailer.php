<?php
// Messages built by PHPMailer (preSend makes the whole message): see run.py.
require getenv('PHPMAILER') . '/Exception.php';
require getenv('PHPMAILER') . '/PHPMailer.php';

ini_set('memory_limit', '-1');
[, $kind, $seconds, $folder] = $argv;
$text = file_get_contents("$folder/text.txt");
$page = file_get_contents("$folder/page.html");
$octets = file_get_contents("$folder/octets.bin");

function memory($name) {
    preg_match("/$name:\s*(\d+)/", file_get_contents('/proc/self/status'), $found);
    return (int) $found[1];
}

function used() {
    $u = getrusage();
    return $u['ru_utime.tv_sec'] + $u['ru_stime.tv_sec'] + ($u['ru_utime.tv_usec'] + $u['ru_stime.tv_usec']) / 1e6;
}

function build($kind, $folder, $text, $page, $octets) {
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->CharSet = 'utf-8';
    $mail->Encoding = 'base64';
    $mail->setFrom('ivan@example.com', 'Иван Петров');
    $mail->addAddress('maria@example.com', 'Мария Сидорова');
    $mail->Subject = 'Отчёт за ноябрь: всё готово, посмотрите';
    $mail->Body = $text;
    if ($kind === 'parts') {
        $mail->isHTML(true);
        $mail->Body = $page;
        $mail->AltBody = $text;
        for ($i = 0; $i < 3; $i++) $mail->addStringAttachment($octets, "octets$i.bin");
    } elseif ($kind === 'large') {
        $mail->addAttachment("$folder/large.bin");
    }
    $mail->preSend();
    return strlen($mail->getSentMIMEMessage());
}

$before = memory('VmRSS');
$begin = used();
$count = $total = $took = 0;
while ($took < (float) $seconds) {
    $total += build($kind, $folder, $text, $page, $octets);
    $count++;
    $took = used() - $begin;
}
printf("%d %d %.6f %d\n", $count, $total, $took, memory('VmHWM') - $before);
