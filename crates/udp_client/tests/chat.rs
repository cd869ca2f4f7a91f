//! UDP 聊天客户端：由测试扮演服务端，核对发来的数据报和打印的文字。

use std::net::ToSocketAddrs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, Rule, UdpPeer, rule};

/// 启动连接到测试的客户端；返回它和测试扮演的服务端。
fn client(rule: &Rule) -> (Program, UdpPeer) {
    let server = rule.udp_server("127.0.0.1:0");
    let client = rule.client(cargo_bin!(), &[], server.addr());
    server.serves(&client);
    (client, server)
}

#[test]
fn conversation() {
    let rule = rule("输入的一行发给服务端，显示它的回复；## 也发出，然后结束。");
    let (client, server) = client(&rule);
    client.expect_stdout(">>");
    client.type_line("你好");
    let addr = server.expect("你好");
    server.send_to("你也好", addr);
    client.expect_stdout("从服务器端收到消息: 你也好\n>>");
    client.type_line("");
    server.expect(""); // 空行发出一个空的数据报
    server.send_to("", addr);
    client.expect_stdout("从服务器端收到消息: \n>>");
    client.type_line("##");
    server.expect("##");
    client.expect_exit(0);
}

#[test]
fn reply_that_is_not_utf8() {
    let rule = rule("回复中不是 UTF-8 的字节显示为 �，客户端继续。");
    let (client, server) = client(&rule);
    client.type_line("你好");
    server.send_to(b"\xff\xfeabc", server.expect("你好"));
    client.expect_stdout(">>从服务器端收到消息: ��abc\n>>");
}

#[test]
fn end_of_input_acts_as_the_end_mark() {
    let rule = rule("输入结束（Ctrl-D）当作 ##：发给服务端，然后结束。");
    let (client, server) = client(&rule);
    client.expect_stdout(">>");
    client.end_input();
    server.expect("##");
    client.expect_exit(0);
}

#[test]
fn only_ipv4() {
    // Wine 用所在的 Linux 解析名字：没有 /etc/hosts（例如在 chroot 里），就没有 localhost
    if !("localhost", 0).to_socket_addrs().is_ok_and(|mut addrs| addrs.any(|addr| addr.is_ipv4())) {
        println!("跳过：这台计算机不能把 localhost 解析为 IPv4 的地址");
        return;
    }
    let rule = rule("只用 IPv4 的地址：localhost 的第一个地址可能是 ::1。");
    let server = rule.udp_server("127.0.0.1:0");
    let localhost = format!("localhost:{}", server.addr().port());
    let client = rule.client(cargo_bin!(), &[], localhost);
    server.serves(&client);
    client.type_line("你好");
    server.expect("你好");
}

#[test]
fn address_that_is_none() {
    let rule = rule("地址不能用：一行错误，退出状态 1。");
    for (addr, error) in [
        ("abc", "无法使用地址 abc：invalid socket address"),
        ("[::1]:5555", "[::1]:5555 不是 IPv4 的地址"),
    ] {
        let client = rule.client(cargo_bin!(), &[], addr);
        client.expect_error(&[error]);
    }
}

/// Python 写的服务端：写出地址，核对一条消息，回复，等到 ##。
const SERVER: &str = "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
print('127.0.0.1:%d' % s.getsockname()[1], file=sys.stderr)
data, addr = s.recvfrom(256)
assert data == '你好'.encode()
s.sendto('你也好'.encode(), addr)
assert s.recv(256) == b'##'
";

#[test]
fn python_peer() {
    if !testkit::has_python() {
        return;
    }
    let rule = rule("与 Python 写的服务端聊天。");
    let server = rule.server(Path::new("python3"), &["-c", SERVER]);
    let client = rule.client(cargo_bin!(), &[], server.addr());
    client.type_line("你好");
    client.expect_stdout(">>从服务器端收到消息: 你也好\n>>");
    client.type_line("##");
    client.expect_exit(0);
    server.expect_exit(0);
}
