"""图片上传的服务端，用于性能比较：一个连接接一个连接，收完再改名，回答字节数。"""
import os
import socket
import sys

listener = socket.create_server(('127.0.0.1', 0))
print('对照程序已启动：%s:%d' % listener.getsockname(), file=sys.stderr, flush=True)
buffer = memoryview(bytearray(1024 * 1024))
while True:
    conn, _ = listener.accept()
    total = 0
    with conn:
        with open('new.jpg.part', 'wb', buffering=0) as file:
            while n := conn.recv_into(buffer):
                file.write(buffer[:n])
                total += n
        os.replace('new.jpg.part', 'new.jpg')
        conn.sendall(b'%d\n' % total)
