# Perl's Net::SMTP, which has one connection: see peer.h.
use strict;
use warnings;
use Net::SMTP;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);

my ($host, $port, $mails, $size, $recipients, undef, @words) = @ARGV;
my %word = map { $_ => 1 } @words;
my $header = join "\n", 'From: Sender <sender@example.com>', 'To: Recipient <recipient0@example.com>', 'Subject: benchmark',
  'Date: Fri, 21 Nov 2025 10:00:00 +0000', 'Message-ID: <1@example.com>', 'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8', '', '';
my $line = substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ' x 3, 0, 76) . "\n";
my $count = int(($size - length($header) - 8) / 78);
my $message = $header . $line . ($count > 1 ? '.' . substr($line, 1) . $line x ($count - 2) : '');
my @addresses = map { "recipient$_\@example.com" } 0 .. $recipients - 1;

sub connection {
  my @tls = $word{tls} ? (SSL => 1, SSL_ca_file => $ENV{BENCH_CA}) : ();
  return Net::SMTP->new($host, Port => $port, Hello => 'client.example', @tls) || die "no connection: $@";
}

sub deliver {
  my $smtp = shift;
  $smtp->mail('sender@example.com') or die $smtp->message;
  $smtp->recipient(@addresses) or die $smtp->message;
  $smtp->data($message) or die $smtp->message;
}

my ($begin, $used) = (clock_gettime(CLOCK_MONOTONIC), clock_gettime(CLOCK_PROCESS_CPUTIME_ID));
my $smtp;
for (1 .. $mails) {
  $smtp ||= connection();
  deliver($smtp);
  if ($word{new}) {
    $smtp->quit;
    undef $smtp;
  }
}
$smtp->quit if $smtp;
my $seconds = clock_gettime(CLOCK_MONOTONIC) - $begin;
$used = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $used;
open my $status, '<', '/proc/self/status' or die;
my ($peak) = join('', <$status>) =~ /VmHWM:\s*(\d+)/;
printf "%.6f %.6f %d\n", $seconds, $used, $peak;
