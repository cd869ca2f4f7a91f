"""单词服务端，用于性能比较：参数是词典文件。"""
import socket
import sys

with open(sys.argv[1], encoding='utf-8') as file:
    DICT = {word: text.encode() for word, text in (line.rstrip('\n').split('\t') for line in file)}
UNKNOWN = '没有找到这个单词'.encode()

udp_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp_socket.bind(('127.0.0.1', 0))
print('对照程序已启动：%s:%d' % udp_socket.getsockname(), file=sys.stderr, flush=True)
while True:
    data, addr = udp_socket.recvfrom(65535)
    word = data.decode(errors='replace').strip().lower()
    udp_socket.sendto(DICT.get(word, UNKNOWN), addr)
