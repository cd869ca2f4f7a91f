//! UDP 聊天客户端：由测试扮演服务端；最后与 Rust 服务端对话。

use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use testkit::{DEADLINE, Program, assert_one_line_error, neighbour, udp_socket};

#[test]
fn conversation() {
    let (server, addr) = udp_socket();
    let mut client = Program::start(cargo_bin!(), &[&addr.to_string()]);
    client.wait_stdout(">>");
    client.type_line("你好");
    let (data, client_addr) = client.recv_from(&server);
    assert_eq!(data, "你好".as_bytes());
    server.send_to("你也好".as_bytes(), client_addr).unwrap();
    client.wait_stdout("从服务器端收到消息: 你也好\n>>");
    client.type_line("");
    assert_eq!(client.recv_from(&server).0, b""); // 空行发出一个空的数据报
    server.send_to(b"", client_addr).unwrap();
    client.wait_stdout("从服务器端收到消息: \n>>");
    client.type_line("##");
    assert_eq!(client.recv_from(&server).0, b"##");
    client.assert_exit(0);
    client.assert_stdout(">>从服务器端收到消息: 你也好\n>>从服务器端收到消息: \n>>");
    assert_eq!(client.stderr(), "");
}

#[test]
fn reply_that_is_not_utf8() {
    let (server, addr) = udp_socket();
    let mut client = Program::start(cargo_bin!(), &[&addr.to_string()]);
    client.type_line("你好");
    let (_, client_addr) = client.recv_from(&server);
    server.send_to(b"\xff\xfeabc", client_addr).unwrap();
    client.wait_stdout("从服务器端收到消息: ��abc\n>>");
    client.type_line("再来一次");
    client.recv_from(&server);
    server.send_to("汉".repeat(100).as_bytes(), client_addr).unwrap(); // 在第 256 字节处截断
    if cfg!(windows) {
        client.wait_stderr("没有收到回复"); // 数据报大于缓冲区时 recv_from 出错
    } else {
        client.wait_stdout(&format!("从服务器端收到消息: {}�\n>>", "汉".repeat(85)));
    }
    client.end_input();
    client.assert_exit(0);
}

#[test]
fn end_of_input_acts_as_the_end_mark() {
    let (server, addr) = udp_socket();
    let mut client = Program::start(cargo_bin!(), &[&addr.to_string()]);
    client.wait_stdout(">>");
    client.end_input();
    assert_eq!(client.recv_from(&server).0, b"##");
    client.assert_exit(0);
}

#[test]
fn address_that_is_none() {
    let output = cargo_bin_cmd!().arg("abc").write_stdin("你好\n").timeout(DEADLINE).output();
    assert_one_line_error(&output.unwrap(), &["无法使用地址 abc：", "invalid socket address"]);
}

#[test]
fn message_too_long_to_send() {
    let (_server, addr) = udp_socket();
    let mut client = Program::start(cargo_bin!(), &[&addr.to_string()]);
    client.type_line(&"a".repeat(70_000));
    client.assert_error(&[&format!("无法发送到 {addr}：")]);
}

#[test]
fn with_the_rust_server() {
    let server = neighbour(cargo_bin!(), "udp_server");
    let mut server = Program::start(server, &["127.0.0.1:0"]);
    let addr = server.addr().to_string();
    let mut client = Program::start(cargo_bin!(), &[&addr]);
    for (question, answer) in [("你好", "你也好"), ("再见", "再见")] {
        client.wait_stdout(">>");
        client.type_line(question);
        server.wait_stdout(&format!("获取到消息: {question}\n>>"));
        server.type_line(answer);
        client.wait_stdout(&format!("从服务器端收到消息: {answer}\n"));
    }
    client.type_line("##");
    client.assert_exit(0);
    server.assert_exit(0);
}
