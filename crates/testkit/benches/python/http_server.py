"""图片网页服务端，用于性能比较：参数是网页文件和图片文件。"""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = {
    '/': ('text/html; charset=utf-8', Path(sys.argv[1]).read_bytes()),
    '/image.jpg': ('image/jpeg', Path(sys.argv[2]).read_bytes()),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1  # 响应头和响应体一次发出

    def do_GET(self):
        content_type, body = CONTENT[self.path]
        self.send_response(200)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024


with Server(('127.0.0.1', 0), Handler) as server:
    print('对照程序已启动：%s:%d' % server.server_address, file=sys.stderr, flush=True)
    server.serve_forever()
