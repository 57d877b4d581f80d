"""Messages built by Python's email: see run.py."""
import re
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

kind, seconds, folder = sys.argv[1], float(sys.argv[2]), sys.argv[3]


def contents(name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()


def memory(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(rf"{name}:\s*(\d+)", file.read()).group(1))


text, page, octets = contents("text.txt").decode(), contents("page.html").decode(), contents("octets.bin")


def build():
    message = EmailMessage(policy=SMTP)
    message["From"] = "Иван Петров <ivan@example.com>"
    message["To"] = "Мария Сидорова <maria@example.com>"
    message["Subject"] = "Отчёт за ноябрь: всё готово, посмотрите"
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="example.com")
    message.set_content(text, cte="base64")
    if kind == "parts":
        message.add_alternative(page, subtype="html", cte="base64")
        for _ in range(3):
            message.add_attachment(octets, maintype="application", subtype="octet-stream", filename="octets.bin")
    if kind == "large":
        large = contents("large.bin")
        message.add_attachment(large, maintype="application", subtype="octet-stream", filename="large.bin")
    return len(message.as_bytes())


before, count, total = memory("VmRSS"), 0, 0
begin, took = time.process_time(), 0.0
while took < seconds:
    total += build()
    count += 1
    took = time.process_time() - begin
print(f"{count} {total} {took:.6f} {memory('VmHWM') - before}")
