"""图片上传的客户端，用于性能比较：参数是文件和地址。"""
import socket
import sys

host, port = sys.argv[2].rsplit(':', 1)
with socket.create_connection((host, int(port))) as conn, open(sys.argv[1], 'rb') as file:
    total = conn.sendfile(file)
    conn.shutdown(socket.SHUT_WR)
    answer = conn.makefile().readline()
    assert answer == f'{total}\n', answer
