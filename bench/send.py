"""send.py HOST PORT SECONDS BYTES: what send.lua does, with EmailMessage and smtplib."""
import smtplib
import sys
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

host, port, seconds, size = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
line = ("Съешь ещё этих мягких французских булок. " * 2).encode()[:70].decode("utf-8", "ignore") + "\n"
text = (line.encode() * (size // len(line.encode()) + 1))[:size].decode("utf-8", "ignore")
client = smtplib.SMTP(host, port)


def send(i):
    message = EmailMessage()
    message["From"] = "Иван <ivanov@example.test>"
    message["To"] = "petrov@example.test"
    message["Subject"] = "Отчёт %d" % i
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="example.test")
    message.set_content(text)
    client.send_message(message)


send(0)
count, begin = 0, time.time()
while time.time() - begin < seconds:
    count += 1
    send(count)
print("%.0f" % (count / (time.time() - begin)))
client.quit()
