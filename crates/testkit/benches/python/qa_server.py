"""问答服务端，用于性能比较：一个连接一个线程，一行一个问题。"""
import socketserver
import sys

ANSWERS = {
    '你好': '你好啊',
    '叫什么': '我叫小美',
    '几岁': '我两岁啦',
    '男生女生': '我是机器人',
    '睡了': '吸引才是最重要的',
}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            question = line.decode(errors='replace')
            found = (a for keyword, a in ANSWERS.items() if keyword in question)
            answer = next(found, '人家还小，不知道。')
            self.wfile.write(f'{answer}\n'.encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1024


with Server(('127.0.0.1', 0), Handler) as server:
    print('对照程序已启动：%s:%d' % server.server_address, file=sys.stderr, flush=True)
    server.serve_forever()
