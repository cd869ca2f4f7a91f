//! UDP 聊天服务端：由测试扮演客户端，核对收到的回复和打印的文字。

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use testkit::{UdpPeer, rule};

/// 服务端收到 `client` 的消息 `text` 时打印的文字。
fn shown(client: &UdpPeer, text: &str) -> String {
    format!("从{}获取到消息: {text}\n>>", client.addr())
}

#[test]
fn conversation() {
    let rule = rule("显示客户端的消息，把输入的一行发给它；收到 ## 就结束。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.udp();
    client.send("你好");
    server.expect_stdout(&shown(&client, "你好"));
    server.type_line("你也好");
    client.expect("你也好");
    client.send(""); // 空的数据报也是一条消息
    server.expect_stdout(&shown(&client, ""));
    server.type_line("");
    client.expect("");
    client.send("##");
    server.expect_exit(0);
}

#[test]
fn datagram_that_is_not_utf8() {
    let rule = rule("不是 UTF-8 的字节显示为 �，服务端照常回复。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.udp();
    client.send(b"\xff\xfeabc");
    server.expect_stdout(&shown(&client, "��abc"));
    server.type_line("收到");
    client.expect("收到");
}

#[test]
fn datagram_cut_in_mid_character() {
    let rule =
        rule("超过 256 字节的数据报被截断，截断处不成字的字节显示为 �；Windows 上只丢失这一个。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.udp();
    client.send("汉".repeat(100)); // 300 字节，第 256 字节在一个汉字中间
    if cfg!(not(windows)) {
        server.expect_stdout(&shown(&client, &format!("{}�", "汉".repeat(85))));
        server.type_line("收到");
        client.expect("收到");
    }
    client.send("还在吗");
    server.expect_stdout(&shown(&client, "还在吗"));
}

#[test]
fn reply_that_cannot_be_sent() {
    let rule = rule("发不出去的回复（超过 65507 字节）：写一行错误，继续服务。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.udp();
    client.send("你好");
    server.expect_stdout(&shown(&client, "你好"));
    server.type_line(&"x".repeat(70_000));
    server.expect_stderr_lines(2); // 地址，“无法回复”
    client.send("还在吗");
    server.expect_stdout(&shown(&client, "还在吗"));
    server.type_line("在");
    client.expect("在");
}

#[test]
fn end_of_input_at_the_prompt() {
    let rule = rule("提示符处输入结束（Ctrl-D），服务端正常结束。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.udp();
    client.send("你好");
    server.expect_stdout(&shown(&client, "你好"));
    server.end_input();
    server.expect_exit(0);
}

#[test]
fn cannot_listen() {
    testkit::common::cannot_listen(cargo_bin!(), &[]);
}

/// Python 写的客户端：发一条消息，核对回复，结束。
const CLIENT: &str = "
import socket, sys
host, port = sys.argv[1].split(':')
server = (host, int(port))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto('你好'.encode(), server)
assert s.recv(256) == '你也好'.encode()
s.sendto(b'##', server)
";

#[test]
fn python_peer() {
    if !Command::new("python3").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("跳过：这台计算机没有 python3");
        return;
    }
    let rule = rule("与 Python 写的客户端聊天。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = rule.client(Path::new("python3"), &["-c", CLIENT], server.addr());
    server.type_line("你也好");
    client.expect_exit(0);
    server.expect_exit(0);
}
