//! 只属于答案的测试：答案按 RFC 9112 检查得比练习要求的更严格。

#[allow(dead_code)]
#[path = "../../../exercises/http_image/tests/http/mod.rs"]
mod http;

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use http::{exchange, receive, request, start_server};
use testkit::connect;

#[test]
fn malformed_requests() {
    let (mut server, addr) =
        start_server("请求行或请求头的一行不合 RFC 9112 的格式，或者 Host 多于一行：400。");
    for request in [
        "(GET) / HTTP/1.1\r\nHost: a\r\n\r\n",
        "取得 / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nhello\r\n\r\n",
        "GET / HTTP/1.1\r\nhello\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAccept : */*\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n Accept: */*\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: a\r\n\tb\r\n\r\n",
        "GET / HTTP/1.0\r\nhello\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        exchange(&mut server, addr, request, 400);
    }
}

#[test]
fn endless_header_is_read_to_the_end() {
    let (mut server, addr) =
        start_server("请求头有 1 MiB，浏览器发完之后才读：431 完整到达，连接没有被重置。");
    let header = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(1 << 20));
    exchange(&mut server, addr, header, 431);
}

#[test]
fn half_a_request_gets_400() {
    let (mut server, addr) = start_server("浏览器发出半个请求头，就关闭写方向：400。");
    for request in ["GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = connect(addr);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        receive(&mut server, &mut stream, request.as_bytes(), 400);
    }
}

#[test]
fn target_that_is_a_url() {
    let (mut server, addr) = start_server("目标是完整的 URL（RFC 9112 3.2.2 节）：取其中的路径。");
    for (target, status) in [
        ("http://a/image.jpg?v=1", 200),
        ("http://127.0.0.1:8000/", 200),
        ("http://a", 200),
        ("http://a/nope", 404),
    ] {
        exchange(&mut server, addr, request("GET", target), status);
    }
}

#[test]
fn bare_newlines_and_leading_empty_lines() {
    let (mut server, addr) = start_server("行尾只有 \\n，请求行之前有空行（RFC 9112 2.2 节）。");
    exchange(&mut server, addr, "GET / HTTP/1.1\nHost: a\n\n", 200);
    exchange(&mut server, addr, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200);
}

#[test]
fn browser_that_keeps_sending_is_let_go() {
    let (mut server, addr) =
        start_server("浏览器收到响应之后一直零星地发送：服务端最多再等 5 秒，就关闭连接。");
    let request = request("GET", "/");
    let mut stream = connect(addr);
    stream.write_all(request.as_bytes()).unwrap();
    receive(&mut server, &mut stream, request.as_bytes(), 200);
    let mut sent = 0;
    while stream.write_all(b"x").is_ok() {
        sent += 1;
        if sent > 90 {
            server.fail("服务端关闭了连接，浏览器再发送就会出错；实际还在接收");
        }
        server.wait_output(Duration::from_millis(100));
    }
}

/// 服务端 `server` 的各个线程。
#[cfg(target_os = "linux")]
fn threads(server: &testkit::Program) -> std::collections::BTreeSet<std::ffi::OsString> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
    tasks.map(|task| task.unwrap().file_name()).collect()
}

#[cfg(target_os = "linux")] // 线程要从 /proc 里看
#[test]
fn threads_are_used_again() {
    let (mut server, addr) = start_server(
        "100 个备用连接同时来，又都离开：多出来的线程结束，留下不多的几个；它们服务以后的连接。",
    );
    let spare: Vec<_> = (0..100).map(|_| connect(addr)).collect();
    exchange(&mut server, addr, request("GET", "/"), 200);
    drop(spare);
    let mut seen = Vec::new();
    for _ in 0..50 {
        // 机器忙的时候，线程可能来不及回来，换成了新的：再看一次
        let before = threads(&server);
        for _ in 0..20 {
            exchange(&mut server, addr, request("GET", "/"), 200);
        }
        let after = threads(&server);
        let kept = before.intersection(&after).count();
        if before.len() < 15 && kept >= 3 {
            return;
        }
        seen.push((before.len(), after.len(), kept));
        server.wait_output(Duration::from_millis(20));
    }
    server.fail(&format!(
        "留下几个线程，不到 15 个，一直使用；20 个请求之前、之后线程的个数，其中不变的个数：{seen:?}"
    ));
}

#[cfg(unix)]
#[test]
fn stopped_and_continued() {
    let (mut server, addr) = start_server(
        "浏览器发出一半请求头，这时服务端暂停（Ctrl-Z），再继续（fg）：请求照常完成。",
    );
    let request = request("GET", "/");
    let (half, rest) = request.split_at(20);
    let mut stream = connect(addr);
    stream.write_all(half.as_bytes()).unwrap();
    server.assert_silent(&mut stream, Duration::from_millis(100));
    for signal in ["-STOP", "-CONT"] {
        let kill =
            std::process::Command::new("kill").args([signal, &server.id().to_string()]).status();
        assert!(kill.unwrap().success());
        server.assert_silent(&mut stream, Duration::from_millis(100));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    receive(&mut server, &mut stream, request.as_bytes(), 200);
}
