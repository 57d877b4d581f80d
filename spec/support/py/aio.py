"""aiosmtpd. Ports:
  plain     no TLS; AUTH offered in clear
  starttls  STARTTLS; AUTH offered after it
  tls       implicit TLS; AUTH offered
Each message is two files in the folder `mail`: N.eml, the bytes as they came, and N.lua, its envelope.
Option cert: the certificate (good). Passwords are those of dovecot.USERS; some recipients are refused (REFUSED).
"""
import asyncio
import logging
import ssl
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from dovecot import USERS
from keep import Keeper

REFUSED = {
    "unknown@example.test": "550 5.1.1 no such user",
    "tempfail@example.test": "450 4.2.0 try later",
    "full@example.test": "552 5.2.2 mailbox full",
}


def authenticate(server, session, envelope, mechanism, data):
    good = (isinstance(data, LoginPassword)
            and USERS.get(data.login.decode("utf-8", "replace")) == data.password.decode("utf-8", "replace"))
    # handled=False: aiosmtpd says 535 by itself.
    return AuthResult(success=good, handled=good, auth_data=data.login if good else None)


class Handler:
    def __init__(self, keeper):
        self.keeper = keeper

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in REFUSED:
            return REFUSED[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        secure = server.transport.get_extra_info("ssl_object")
        name = self.keeper.keep(envelope.original_content, {
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "from_options": envelope.mail_options, "to_options": envelope.rcpt_options,
            "helo": session.host_name, "user": session.auth_data, "tls": secure and secure.version(),
        })
        return "250 2.0.0 queued as " + name


def context(pair):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair)
    return made


def start(room):
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    tls = context(room.cert(room.options.get("cert", "good")))
    keeper = Keeper(room.folder("mail"))
    loop = asyncio.new_event_loop()

    def protocol(**how):
        return SMTP(Handler(keeper), hostname="mail.example.test", ident="aiosmtpd", enable_SMTPUTF8=True, loop=loop,
                    authenticator=authenticate, timeout=60, **how)

    async def serve():
        sockets = {name: room.listen() for name in ("plain", "starttls", "tls")}
        listen = {
            "plain": (lambda: protocol(auth_require_tls=False), None),
            "starttls": (lambda: protocol(tls_context=tls), None),
            "tls": (lambda: protocol(auth_require_tls=False), tls),
        }
        for name, (factory, secure) in listen.items():
            await loop.create_server(factory, sock=sockets[name][0], ssl=secure)
        return {name: port for name, (_, port) in sockets.items()}

    ports = loop.run_until_complete(serve())
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return {"port": ports, "mail": keeper.folder}
