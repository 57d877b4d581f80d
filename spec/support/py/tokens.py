"""Where a mail server asks what an OAuth 2.0 token is worth (RFC 7662, in the form that Dovecot's tokeninfo_url wants): a web
server with one page. Tokens are those of TOKENS.
"""
import http.server
import json
import threading
import urllib.parse

# Token -> whose it is.
TOKENS = {
    "good-token": "user@example.test",
    "long-" + "x" * 2000: "user@example.test",
    "russian-token": "пользователь@example.test",
}


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        user = TOKENS.get(query.get("access_token", [""])[0])
        known = {"active": True, "email": user, "scope": "mail"} if user else {"error": "invalid_token"}
        body = json.dumps(known).encode()
        self.send_response(200 if user else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def listen():
    """The address of the page, to which the token is added."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:%d/token?access_token=" % server.server_address[1]
