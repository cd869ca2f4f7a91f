//! HTTP 演示：由测试扮演浏览器，核对响应的每一个字节。

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use testkit::{DEADLINE, Program, TcpStream, assert_one_line_error, connect, listen, reset};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Type:text/html\r\n\r\nhello world\n";

/// 启动服务端，返回它和它的地址。
fn start() -> (Program, SocketAddr) {
    let mut server = Program::start(cargo_bin!(), &["127.0.0.1:0"]);
    let addr = server.addr();
    server.wait_stderr(&format!("http://{addr}/\n"));
    (server, addr)
}

/// 在 `browser` 上发送请求，检查响应完整。
#[track_caller]
fn assert_answers(browser: &mut TcpStream, request: &str) {
    browser.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    browser.read_to_string(&mut response).expect("响应没有完整到达");
    assert_eq!(response, RESPONSE);
}

#[test]
fn one_browser() {
    let (mut server, addr) = start();
    let mut browser = connect(addr);
    let browser_addr = browser.local_addr().unwrap();
    assert_answers(&mut browser, REQUEST);
    drop(browser);
    server.assert_exit(0);
    server.assert_stdout(&format!("Connect from {browser_addr}\n{REQUEST}\n"));
}

#[test]
fn url_of_the_wildcard_address_can_be_opened() {
    let mut server = Program::start(cargo_bin!(), &["0.0.0.0:0"]);
    let port = server.addr().port();
    server.wait_stderr(&format!("http://127.0.0.1:{port}/\n"));
    assert_answers(&mut connect(([127, 0, 0, 1], port).into()), REQUEST);
}

#[test]
fn request_over_1024_bytes() {
    let (mut server, addr) = start();
    let mut browser = connect(addr);
    // 远大于系统的缓冲区：服务端不把请求读完就关闭，发送会失败，响应可能丢失
    let request = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(16 << 20));
    assert_answers(&mut browser, &request);
    server.assert_quiet(Duration::from_millis(300)); // 响应已经结束，服务端还在等浏览器关闭
    drop(browser);
    server.assert_exit(0);
    let printed = server.stdout();
    assert!(printed.contains(&request[..1024]) && !printed.contains(&request[..1025]));
}

#[test]
fn request_that_is_not_utf8() {
    let (mut server, addr) = start();
    let mut browser = connect(addr);
    browser.write_all(b"GET /\xff HTTP/1.1\r\n\r\n").unwrap();
    assert_answers(&mut browser, "");
    drop(browser);
    server.assert_exit(0);
    assert!(server.stdout().contains("GET /� HTTP/1.1\r\n"), "{}", server.stdout());
}

#[test]
fn spare_connection_that_sends_nothing() {
    let (mut server, addr) = start();
    let _spare = connect(addr);
    drop(connect(addr)); // 什么也没发就关闭的连接
    let mut browser = connect(addr);
    assert_answers(&mut browser, REQUEST);
    drop(browser);
    server.assert_exit(0);
}

#[test]
fn browser_that_resets() {
    let (mut server, addr) = start();
    let mut browser = connect(addr);
    browser.write_all(REQUEST.as_bytes()).unwrap();
    reset(browser); // 响应已经到达，一个字节也不读
    server.assert_exit(0);
}

#[test]
fn restart_right_after_a_run() {
    let (mut server, addr) = start();
    assert_answers(&mut connect(addr), REQUEST);
    server.assert_exit(0);
    let mut server = Program::start(cargo_bin!(), &[&addr.to_string()]);
    assert_eq!(server.addr(), addr);
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
