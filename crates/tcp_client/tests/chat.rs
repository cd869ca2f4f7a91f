//! TCP 聊天客户端：由测试扮演服务端；最后与 Rust 服务端对话。

use std::io::{Read, Write};

use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use testkit::{
    DEADLINE, Program, TcpStream, assert_one_line_error, listen, neighbour, nobody_listens, reset,
};

/// 启动客户端，返回它和它与测试的连接。
fn start() -> (Program, TcpStream) {
    let (listener, addr) = listen();
    let mut client = Program::start(cargo_bin!(), &[&addr.to_string()]);
    let conn = client.accept(&listener);
    client.wait_stdout(">>");
    (client, conn)
}

#[test]
fn conversation() {
    let (mut client, mut conn) = start();
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好");
    conn.write_all("你也好".as_bytes()).unwrap();
    client.wait_stdout(">>");
    client.type_line("##");
    let mut rest = Vec::new();
    conn.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"##");
    client.assert_exit(0);
    client.assert_stdout(">>从服务器收到消息: 你也好\n>>");
    assert_eq!(client.stderr(), "");
}

#[test]
fn empty_line_prompts_again() {
    let (mut client, mut conn) = start();
    client.type_line("");
    client.wait_stdout(">>");
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好");
}

#[test]
fn end_of_input_acts_as_the_end_mark() {
    let (mut client, mut conn) = start();
    client.end_input();
    client.assert_receives(&mut conn, "##");
    client.assert_exit(0);
}

#[test]
fn bytes_that_are_not_utf8() {
    let (mut client, mut conn) = start();
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好");
    conn.write_all(b"\xff\xfeabc").unwrap();
    client.wait_stdout("从服务器收到消息: ��abc\n>>");
}

#[test]
fn server_that_goes_away() {
    let (mut client, mut conn) = start();
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好");
    drop(conn);
    client.assert_error(&["已断开连接"]);
}

#[test]
fn server_that_resets() {
    let (mut client, conn) = start();
    client.type_line("你好");
    reset(conn);
    client.assert_error(&["无法从 "]);
}

#[test]
fn no_server() {
    let (_used, addr) = nobody_listens();
    let output = cargo_bin_cmd!().arg(addr.to_string()).timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &[&format!("无法连接 {addr}："), "os error", "先启动服务端"]);
}

#[test]
fn address_that_is_none() {
    let output = cargo_bin_cmd!().arg("abc").timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &["无法连接 abc：", "invalid socket address"]);
}

#[test]
fn with_the_rust_server() {
    let server = neighbour(cargo_bin!(), "tcp_server");
    let mut server = Program::start(server, &["127.0.0.1:0"]);
    let addr = server.addr().to_string();
    for (question, answer) in [("你好", "你也好"), ("再见", "再见")] {
        let mut client = Program::start(cargo_bin!(), &[&addr]);
        client.wait_stdout(">>");
        client.type_line(question);
        server.wait_stdout(&format!("等待客户端连接\n从客户端收到消息: {question}\n>>"));
        server.type_line(answer);
        client.wait_stdout(&format!("从服务器收到消息: {answer}\n>>"));
        client.type_line("##");
        client.assert_exit(0);
    }
}
