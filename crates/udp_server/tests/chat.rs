//! UDP 聊天服务端：由测试扮演客户端，逐字节核对收到的回复和打印的文字。

use std::net::SocketAddr;

use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use testkit::{DEADLINE, Program, UdpSocket, assert_one_line_error, udp_socket};

/// 启动服务端，返回它和一个已经 `connect` 到它的客户端。
fn start() -> (Program, UdpSocket, SocketAddr) {
    let mut server = Program::start(cargo_bin!(), &["127.0.0.1:0"]);
    let (client, client_addr) = udp_socket();
    client.connect(server.addr()).unwrap();
    (server, client, client_addr)
}

/// 服务端仍能为客户端服务：完成一次对话，再以 `##` 结束。
#[track_caller]
fn assert_still_serving(mut server: Program, client: &UdpSocket, client_addr: SocketAddr) {
    client.send("还在吗".as_bytes()).unwrap();
    server.wait_stdout(&format!("从{client_addr}获取到消息: 还在吗\n>>"));
    server.type_line("在");
    server.assert_datagram(client, "在");
    client.send(b"##").unwrap();
    server.assert_exit(0);
}

#[test]
fn conversation() {
    let (mut server, client, client_addr) = start();
    client.send("你好".as_bytes()).unwrap();
    server.wait_stdout(">>");
    server.type_line("你也好");
    server.assert_datagram(&client, "你也好");
    client.send(b"").unwrap(); // 空的数据报也是一条消息
    server.wait_stdout(">>");
    server.type_line("");
    server.assert_datagram(&client, "");
    client.send(b"##").unwrap();
    server.assert_exit(0);
    let line = format!("从{client_addr}获取到消息: ");
    server.assert_stdout(&format!("{line}你好\n>>{line}\n>>"));
}

#[test]
fn datagram_that_is_not_utf8() {
    let (mut server, client, client_addr) = start();
    client.send(b"\xff\xfeabc").unwrap();
    server.wait_stdout(&format!("从{client_addr}获取到消息: ��abc\n>>"));
    server.type_line("收到");
    server.assert_datagram(&client, "收到");
    assert_still_serving(server, &client, client_addr);
}

#[test]
fn datagram_cut_in_mid_character() {
    let (mut server, client, client_addr) = start();
    client.send("汉".repeat(100).as_bytes()).unwrap(); // 300 字节，第 256 字节在一个汉字中间
    if cfg!(windows) {
        // 数据报大于缓冲区时 recv_from 出错：只放弃这一个
    } else {
        let shown = format!("{}�", "汉".repeat(85));
        server.wait_stdout(&format!("从{client_addr}获取到消息: {shown}\n>>"));
        server.type_line("收到");
        server.assert_datagram(&client, "收到");
    }
    assert_still_serving(server, &client, client_addr);
}

#[test]
fn end_of_input_at_the_prompt() {
    let (mut server, client, _) = start();
    client.send("你好".as_bytes()).unwrap();
    server.wait_stdout(">>");
    server.end_input();
    server.assert_exit(0);
}

#[test]
fn address_that_is_none() {
    let output = cargo_bin_cmd!().arg("abc").timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &["无法绑定 abc：", "invalid socket address"]);
}

#[test]
fn port_in_use() {
    let (_socket, addr) = udp_socket();
    let output = cargo_bin_cmd!().arg(addr.to_string()).timeout(DEADLINE).output().unwrap();
    assert_one_line_error(&output, &[&format!("无法绑定 {addr}："), "os error"]);
}
