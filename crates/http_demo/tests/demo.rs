//! HTTP 演示：由测试扮演浏览器，核对响应的每一个字节。

use std::env::temp_dir;
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::rule;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Type:text/html\r\n\r\nhello world\n";

#[test]
fn one_browser() {
    let rule =
        rule("显示一个浏览器的地址和请求，响应 hello world，然后结束；每一行以 \\r\\n 结束。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = server.connect();
    browser.send(REQUEST);
    browser.expect(RESPONSE);
    browser.expect_close();
    browser.close();
    server.expect_exit(0);
    server.expect_stdout("Connect from 127.0.0.1:");
    assert!(server.stdout().ends_with(&format!("\n{REQUEST}\n")), "{}", server.stdout());
}

#[test]
fn url_can_be_opened() {
    let rule = rule("标准错误的第二行以可以打开的网址结束：0.0.0.0 只能绑定，写作 127.0.0.1。");
    let server = rule.program_in(&temp_dir(), cargo_bin!(), &["0.0.0.0:0"]);
    server.wait_address("0.0.0.0");
    server.expect_stderr_lines(2);
    let url = format!(" http://127.0.0.1:{}/\n", server.addr().port());
    assert!(server.stderr().ends_with(&url), "{}", server.stderr());
}

#[test]
fn request_larger_than_the_buffer() {
    let rule =
        rule("请求没有读完就关闭，连接会被重置，响应可能丢失：先关闭写方向，再读到浏览器关闭。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = server.connect();
    browser.send(format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(100_000)));
    browser.expect(RESPONSE);
    browser.expect_close_within(Duration::from_secs(1));
    server.expect_line(&format!("Cookie: {}", "x".repeat(1000))); // 第 1024 字节为止
    server.expect_quiet(); // 还在等浏览器关闭
    browser.close();
    server.expect_exit(0);
}

#[test]
fn request_that_is_not_utf8() {
    let rule = rule("请求中不是 UTF-8 的字节显示为 �，照常响应。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = server.connect();
    browser.send(b"GET /\xff HTTP/1.1\r\n\r\n");
    browser.expect(RESPONSE);
    server.expect_line("GET /� HTTP/1.1\r");
}

#[test]
fn spare_connection_that_sends_nothing() {
    let rule = rule("浏览器的备用连接什么也不发：2 秒之后换下一个连接。");
    let server = rule.server(cargo_bin!(), &[]);
    let _spare = server.connect();
    server.connect().close();
    let browser = server.connect();
    browser.send(REQUEST);
    browser.expect(RESPONSE);
}

#[test]
fn browser_that_resets() {
    let rule = rule("浏览器收到响应，不读就重置连接：服务端正常结束。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = server.connect();
    browser.send(REQUEST);
    browser.reset();
    server.expect_exit(0);
}

#[test]
fn restart_right_after_a_run() {
    let rule = rule("结束之后可以立即在同一个地址重新启动。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = server.connect();
    browser.send(REQUEST);
    browser.expect(RESPONSE);
    browser.expect_close(); // 服务端先关闭：端口在 TIME_WAIT 状态
    browser.close();
    server.expect_exit(0);
    let addr = server.addr().to_string();
    let again = rule.program_in(&temp_dir(), cargo_bin!(), &[&addr]);
    again.wait_address("127.0.0.1");
}

#[test]
fn cannot_listen() {
    testkit::common::cannot_listen(cargo_bin!(), &[]);
}

/// Python 写的浏览器：第二个连接在服务端看到请求之前就重置（`std` 不能随意重置），第三个核对响应。
const BROWSER: &str = r"
import http.client, socket, struct, sys
host, port = sys.argv[1].split(':')
spare = socket.create_connection((host, int(port)))
browser = socket.create_connection((host, int(port)))
browser.sendall(b'GET / HTTP/1.1\r\n\r\n')
browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
browser.close()
browser = http.client.HTTPConnection(host, int(port))
browser.request('GET', '/')
response = browser.getresponse()
assert (response.status, response.read()) == (200, b'hello world\n')
";

#[test]
fn python_peer() {
    if !testkit::has_python() {
        return;
    }
    let rule = rule("与 Python 写的浏览器通信；浏览器在响应之前重置，就换下一个连接。");
    let server = rule.server(cargo_bin!(), &[]);
    let browser = rule.client(Path::new("python3"), &["-c", BROWSER], server.addr());
    browser.expect_exit(0);
    server.expect_exit(0);
}
