//! 图片网页的故障测试：随机的浏览器，在任何一个字节之后重置，不读响应。失败时写出种子，可以重放。
#![cfg(unix)]

use std::path::Path;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::fire::{Random, attack, reset_now, rounds};
use testkit::{Outcome::*, Program, rule};

const IMAGE: &[u8] = include_bytes!("../image.jpg");

const REQUESTS: [&str; 4] = [
    "GET /image.jpg HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /?a=1 HTTP/1.1\r\nAccept: */*\r\nhOST:a\r\n\r\n",
    "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "GET / HTTP/1.0\r\n\r\n",
];

fn server(sentence: &str) -> Program {
    rule(sentence).server(cargo_bin!(), &[])
}

/// 一个守规矩的浏览器得到完整的图片。
#[track_caller]
fn fetch(server: &Program) {
    let client = server.connect();
    client.send(REQUESTS[0]);
    client.expect("HTTP/1.1 200 OK\r\n");
    let response = client.receive_to_end();
    if !response.ends_with(&[b"\r\n\r\n", IMAGE].concat()) || client.was_reset() {
        server.fail("得到完整的图片", &format!("响应行之后有 {} 字节", response.len()));
    }
}

#[test]
fn bad_peers() {
    rounds(|random: &mut Random| {
        let server = server("不论别人发来什么、怎样离开，守规矩的浏览器都得到正确的响应。");
        for _ in 0..30 {
            let bytes = random.mangle(&REQUESTS.map(str::as_bytes));
            attack(&server, random, &bytes);
            fetch(&server);
        }
        server.expect_running();
    });
}

#[test]
fn half_closed() {
    rounds(|random: &mut Random| {
        let server = server("浏览器发来任何字节，再关闭写方向：得到一个响应，连接正常结束。");
        for _ in 0..50 {
            let client = server.connect();
            client.send(random.mangle(&REQUESTS.map(str::as_bytes)));
            client.finish();
            client.expect("HTTP/1.1 ");
            client.receive_to_end();
            if client.was_reset() {
                server.fail("连接正常结束", "连接被重置");
            }
        }
        server.expect_running();
    });
}

#[test]
fn reset_at_every_byte() {
    rounds(|random| {
        let server = server("浏览器在任何一个字节之后重置连接，别人照常得到响应。");
        for n in 0..=REQUESTS[0].len() {
            let client = server.connect();
            client.send(&REQUESTS[0].as_bytes()[..n]);
            if n == REQUESTS[0].len() {
                client.expect("HTTP/1.1 200 OK\r\n"); // 图片收到一半
            }
            reset_now(client);
            if random.below(8) == 0 {
                fetch(&server);
            }
        }
        fetch(&server);
        server.expect_running();
    });
}

/// 打开 40 个连接，接收缓冲区很小，各请求图片，不读；连接好了就打印 all。
const NEVER_READ: &str = "use Socket; my ($port, $request) = @ARGV; my @all;
    for (1..40) {
        socket(my $socket, PF_INET, SOCK_STREAM, 0) or die $!;
        setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 1024);
        setsockopt($socket, 6, 2, 536); # TCP_MAXSEG
        connect($socket, sockaddr_in($port, INADDR_LOOPBACK)) or die $!;
        syswrite($socket, $request);
        push @all, $socket;
    }
    $| = 1; print \"all\\n\"; sleep";

#[test]
#[cfg(target_os = "linux")] // 描述符的个数从 /proc 里读
fn browsers_that_never_read() {
    let rule = rule("浏览器请求图片，不读响应，也不离开：服务端不一直等它。")
        .cause(Other, "发送没有时限（set_write_timeout）");
    let server = rule.server(cargo_bin!(), &[]);
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    let (before, port) = (descriptors(), server.addr().port().to_string());
    let args = ["-e", NEVER_READ, &port, REQUESTS[0]];
    let browsers = rule.program_in(&std::env::temp_dir(), Path::new("perl"), &args);
    browsers.expect_line("all");
    fetch(&server); // 按次序接受：前面的 40 个连接也都接受了
    let start = Instant::now();
    assert!(descriptors() >= before + 40, "浏览器没有占住服务端");
    while descriptors() > before {
        // 时限是一次 write 的：写出几个字节，又等 5 秒，一共约 15 秒
        if start.elapsed() > Duration::from_secs(19) {
            server.fail("19 秒之后都不再等", &format!("还有 {} 个连接", descriptors() - before));
        }
        server.wait(Duration::from_millis(100));
    }
    server.expect_running();
}
