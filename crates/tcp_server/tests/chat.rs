//! TCP 聊天服务端：由测试扮演客户端，逐字节核对收到的回复和打印的文字。

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use testkit::{DEADLINE, Program, TcpStream, assert_one_line_error, connect, listen, reset};

/// 启动服务端，返回它和它的地址。
fn start() -> (Program, SocketAddr) {
    let mut server = Program::start(cargo_bin!(), &["127.0.0.1:0"]);
    let addr = server.addr();
    server.wait_stdout("等待客户端连接\n");
    (server, addr)
}

/// 客户端发送 `question`，服务端显示 `shown`，在提示符后输入 `typed`，客户端收到 `answer`。
#[track_caller]
fn talk(server: &mut Program, client: &mut TcpStream, [question, typed]: [&[u8]; 2], shown: &str) {
    client.write_all(question).unwrap();
    server.wait_stdout(&format!("从客户端收到消息: {shown}\n>>"));
    server.type_bytes(typed);
}

/// 服务端仍能为下一个客户端服务。
#[track_caller]
fn assert_serves_the_next(server: &mut Program, addr: SocketAddr) {
    server.wait_stdout("等待客户端连接\n");
    let mut client = connect(addr);
    talk(server, &mut client, ["还在吗".as_bytes(), "在\n".as_bytes()], "还在吗");
    server.assert_receives(&mut client, "在");
    drop(client);
    server.wait_stdout("等待客户端连接\n");
}

#[test]
fn conversation_and_the_next_client() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), "你也好\n".as_bytes()], "你好");
    server.assert_receives(&mut client, "你也好");
    client.write_all(b"##").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "收到 ## 后，服务端应关闭连接");
    assert_serves_the_next(&mut server, addr);
    server.assert_stdout(
        "等待客户端连接\n从客户端收到消息: 你好\n>>\
         等待客户端连接\n从客户端收到消息: 还在吗\n>>等待客户端连接\n",
    );
}

#[test]
fn client_that_leaves_without_the_end_mark() {
    let (mut server, addr) = start();
    drop(connect(addr));
    server.wait_stdout("等待客户端连接\n");
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), b""], "你好");
    drop(client); // 服务端还停在提示符处
    server.type_line("你也好");
    assert_serves_the_next(&mut server, addr);
}

#[test]
fn client_that_resets() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), "你也好\n".as_bytes()], "你好");
    reset(client);
    assert_serves_the_next(&mut server, addr);
}

#[test]
fn client_that_half_closes_still_gets_its_reply() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), b""], "你好");
    client.shutdown(Shutdown::Write).unwrap();
    server.type_line("你也好");
    server.assert_receives(&mut client, "你也好");
    assert_serves_the_next(&mut server, addr);
}

#[test]
fn empty_reply_prompts_again() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), b"\n"], "你好");
    server.wait_stdout(">>");
    server.type_line("你也好");
    server.assert_receives(&mut client, "你也好");
}

#[test]
fn bytes_that_are_not_utf8() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, [b"\xff\xfeabc", b"abc\n"], "��abc");
    server.assert_receives(&mut client, "abc");
}

#[test]
fn end_of_input_at_the_prompt() {
    let (mut server, addr) = start();
    let mut client = connect(addr);
    talk(&mut server, &mut client, ["你好".as_bytes(), b""], "你好");
    server.end_input();
    server.assert_exit(0);
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "服务端结束后，连接应关闭");
}

#[test]
fn address_that_is_none() {
    let output = cargo_bin_cmd!().arg("abc").timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &["无法绑定 abc：", "invalid socket address"]);
}

#[test]
fn port_in_use() {
    let (_listener, addr) = listen();
    let output = cargo_bin_cmd!().arg(addr.to_string()).timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &[&format!("无法绑定 {addr}："), "os error"]);
}
