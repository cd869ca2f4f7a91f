//! TCP 聊天客户端：由测试扮演服务端，核对发来的消息和打印的文字。

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use testkit::rule;

#[test]
fn conversation() {
    let rule = rule("输入的一行发给服务端，显示它的回复；## 也发出，然后结束。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.expect_stdout(">>");
    client.type_line("你好");
    conn.expect("你好");
    conn.send("你也好");
    client.expect_stdout("从服务器收到消息: 你也好\n>>");
    client.type_line("##");
    conn.expect("##");
    conn.expect_close();
    client.expect_exit(0);
}

#[test]
fn empty_line_prompts_again() {
    let rule = rule("空行一个字节也发不出去，双方会一直等待：再次提示。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.type_line("");
    client.expect_stdout(">>>>");
    client.type_line("你好");
    conn.expect("你好");
}

#[test]
fn end_of_input_acts_as_the_end_mark() {
    let rule = rule("输入结束（Ctrl-D）当作 ##：发给服务端，然后结束。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.expect_stdout(">>");
    client.end_input();
    conn.expect("##");
    client.expect_exit(0);
}

#[test]
fn bytes_that_are_not_utf8() {
    let rule = rule("回复中不是 UTF-8 的字节显示为 �，客户端继续。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.type_line("你好");
    conn.expect("你好");
    conn.send(b"\xff\xfeabc");
    client.expect_stdout(">>从服务器收到消息: ��abc\n>>");
}

#[test]
fn server_that_closes() {
    let rule = rule("服务端关闭连接：一行错误，退出状态 1。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.type_line("你好");
    conn.expect("你好");
    conn.close();
    client.expect_stdout(">>");
    client.expect_error(&[&format!("服务端 {} 已断开连接", server.addr())]);
}

#[test]
fn server_that_resets() {
    let rule = rule("服务端重置连接：一行错误，退出状态 1。");
    let server = rule.listen();
    let client = rule.client(cargo_bin!(), &[], server.addr());
    let conn = server.accept(&client);
    client.type_line("你好");
    conn.reset(); // 没有读“你好”就关闭
    client.expect_stdout(">>");
    client.expect_error(&[&format!("无法从 {} 接收：", server.addr())]);
}

#[test]
fn no_server() {
    testkit::common::no_server(cargo_bin!(), &[]);
}

/// Python 写的服务端：写出地址，核对一条消息，回复，等到 ## 和连接的结束。
const SERVER: &str = "
import socket, sys
s = socket.create_server(('127.0.0.1', 0))
print('127.0.0.1:%d' % s.getsockname()[1], file=sys.stderr)
conn, addr = s.accept()
assert conn.recv(256) == '你好'.encode()
conn.sendall('你也好'.encode())
assert conn.recv(256) == b'##'
assert conn.recv(256) == b''
";

#[test]
fn python_peer() {
    if !Command::new("python3").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("跳过：这台计算机没有 python3");
        return;
    }
    let rule = rule("与 Python 写的服务端聊天。");
    let server = rule.server(Path::new("python3"), &["-c", SERVER]);
    let client = rule.client(cargo_bin!(), &[], server.addr());
    client.type_line("你好");
    client.expect_stdout(">>从服务器收到消息: 你也好\n>>");
    client.type_line("##");
    client.expect_exit(0);
    server.expect_exit(0);
}
