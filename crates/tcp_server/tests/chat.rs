//! TCP 聊天服务端：由测试扮演客户端，核对收到的回复和打印的文字。

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use testkit::rule;

#[test]
fn conversation_and_the_next_client() {
    let rule = rule("显示客户端的消息，把输入的一行发给它；收到 ## 就关闭连接，等待下一个客户端。");
    let server = rule.server(cargo_bin!(), &[]);
    for (question, answer) in [("你好", "你也好"), ("还在吗", "在")] {
        server.expect_stdout("等待客户端连接\n");
        let client = server.connect();
        client.send(question);
        server.expect_stdout(&format!("从客户端收到消息: {question}\n>>"));
        server.type_line(answer);
        client.expect(answer);
        client.send("##");
        client.expect_close();
    }
    server.expect_stdout("等待客户端连接\n");
}

#[test]
fn client_that_closes() {
    let rule = rule("客户端不发 ## 就关闭：在收消息时、在输入回复时，服务端都等待下一个。");
    let server = rule.server(cargo_bin!(), &[]);
    server.expect_stdout("等待客户端连接\n");
    server.connect().close();
    server.expect_stdout("等待客户端连接\n");
    let client = server.connect();
    client.send("你好");
    server.expect_stdout("从客户端收到消息: 你好\n>>");
    client.close();
    server.type_line("你也好");
    server.expect_stdout("等待客户端连接\n");
    server.expect_running();
}

#[test]
fn client_that_resets() {
    let rule = rule("客户端重置连接：在收消息时、在输入回复时，服务端都等待下一个。");
    let server = rule.server(cargo_bin!(), &[]);
    for at_the_prompt in [false, true] {
        server.expect_stdout("等待客户端连接\n");
        let client = server.connect();
        client.send("你好");
        server.expect_stdout("从客户端收到消息: 你好\n>>");
        server.type_line("你也好");
        if at_the_prompt {
            client.send("再见");
            server.expect_stdout("从客户端收到消息: 再见\n>>");
        }
        client.reset(); // 没有读“你也好”就关闭
        if at_the_prompt {
            server.type_line("再见");
        }
    }
    server.expect_stdout("等待客户端连接\n");
    server.expect_stderr_lines(2); // 地址，“无法回复”
    server.expect_running();
}

#[test]
fn empty_reply_prompts_again() {
    let rule = rule("空的回复一个字节也发不出去，双方会一直等待：再次提示。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.connect();
    client.send("你好");
    server.expect_stdout("等待客户端连接\n从客户端收到消息: 你好\n>>");
    server.type_line("");
    server.expect_stdout(">>");
    server.type_line("你也好");
    client.expect("你也好");
}

#[test]
fn bytes_that_are_not_utf8() {
    let rule = rule("不是 UTF-8 的字节显示为 �，服务端照常回复。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.connect();
    client.send(b"\xff\xfeabc");
    server.expect_stdout("等待客户端连接\n从客户端收到消息: ��abc\n>>");
    server.type_line("收到");
    client.expect("收到");
}

#[test]
fn end_of_input_at_the_prompt() {
    let rule = rule("提示符处输入结束（Ctrl-D），服务端正常结束，连接关闭。");
    let server = rule.server(cargo_bin!(), &[]);
    let client = server.connect();
    client.send("你好");
    server.expect_stdout("等待客户端连接\n从客户端收到消息: 你好\n>>");
    server.end_input();
    server.expect_exit(0);
    client.expect_close();
}

#[test]
fn cannot_listen() {
    testkit::common::cannot_listen(cargo_bin!(), &[]);
}

/// Python 写的客户端：发一条消息，核对回复，结束。
const CLIENT: &str = "
import socket, sys
host, port = sys.argv[1].split(':')
s = socket.create_connection((host, int(port)))
s.sendall('你好'.encode())
assert s.recv(256) == '你也好'.encode()
s.sendall(b'##')
assert s.recv(256) == b''
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
    server.expect_stdout("等待客户端连接\n从客户端收到消息: 你好\n>>");
    server.type_line("你也好");
    client.expect_exit(0);
    server.expect_stdout("等待客户端连接\n");
}
