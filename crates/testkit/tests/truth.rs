//! 失败信息说的是真的：画的就是到达的，原因是排除不了的。被测的程序是本文件中 `actor_` 开头的函数。

use std::env::{current_exe, temp_dir};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

use testkit::{Outcome::*, Program, Rule, rule};

/// 启动 `actor`：运行本测试程序中这个名字的函数。
fn actor(rule: &Rule, actor: &str) -> Program {
    let args = ["--ignored", "--exact", "--nocapture", "--quiet", actor];
    rule.server_in(&temp_dir(), &current_exe().unwrap(), &args)
}

/// `step` 失败时的信息。
fn failure<T>(step: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(step)).map(drop).expect_err("应当失败");
    *payload.downcast::<String>().expect("失败信息是文字")
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "失败信息中应有 {part:?}：\n{text}");
    }
}

fn accept() -> TcpStream {
    let started = std::env::args().any(|arg| arg == "127.0.0.1:0");
    assert!(started, "只由别的测试启动，不单独运行"); // 否则没有人来连接
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    eprintln!("已启动：{}", listener.local_addr().unwrap());
    listener.accept().unwrap().0
}

/// 等对方离开，关闭连接，仍不结束。
fn wait(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
    drop(stream);
    sleep(Duration::from_secs(60));
}

#[test]
#[ignore = "被测的程序"]
fn actor_two_pieces() {
    let mut conn = accept();
    conn.write_all("几岁\r\n".as_bytes()).unwrap();
    sleep(Duration::from_millis(60));
    conn.write_all(b"ab").unwrap();
    wait(conn);
}

#[test]
fn what_arrives_in_one_piece_is_drawn_as_one() {
    let rule = rule("");
    let server = actor(&rule, "actor_two_pieces");
    let client = server.connect();
    client.expect("几岁\r");
    client.expect("\n");
    let gap = client.expect("a");
    assert!(gap.is_zero());
    let text = failure(|| client.expect_silence());
    assert_says(&text, &["8 字节  \"几岁\\r\\n\"\n", " 2 字节  \"ab\"\n", "实际：收到 \"b\""]);
    assert_eq!(text.matches("字节").count(), 2, "{text}");
}

#[test]
fn what_is_not_read_stays_unread() {
    let rule = rule("");
    let server = actor(&rule, "actor_two_pieces");
    let client = server.connect();
    client.expect("几");
    client.close();
    assert_says(&failure(|| server.fail("", "")), &["-->", "重置连接（5 字节没有读）"]);
}

#[test]
fn causes_belong_to_outcomes() {
    let rule = rule("规则是这样。")
        .cause(Silence, "甲")
        .cause(Other, "乙")
        .cause(NoNewline, "丙")
        .cause(Closed, "丁");
    let server = actor(&rule, "actor_two_pieces");
    let client = server.connect();
    let text = failure(|| client.expect("几点\n"));
    assert_says(
        &text,
        &["规则：规则是这样。", "应当：收到 \"几点\\n\"", "实际：收到 \"几岁\\r\\n\"", "原因：乙"],
    );
    let start = Instant::now();
    let text = failure(|| client.expect("ab\n"));
    assert_says(&text, &["后面没有 \\n", "原因：丙"]);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_says(&failure(|| client.expect("c")), &["什么也没有收到", "原因：甲"]);
    client.finish();
    assert_says(&failure(|| client.expect("c")), &["连接就结束了", "原因：丁"]);
}

#[test]
fn only_the_newline_is_missing() {
    let rule = rule("").cause(Closed, "丁");
    let server = actor(&rule, "actor_two_pieces");
    let client = server.connect();
    client.expect("几岁\r\n");
    client.finish();
    let text = failure(|| client.expect("ab\n"));
    let how = "实际：收到 \"ab\"，后面没有 \\n，连接就结束了\n";
    assert_says(&text, &[how, "原因：约定每一行以 \\n 结束\n", "^^^ 在这里失败\n"]);
}

#[test]
#[ignore = "被测的程序"]
fn actor_leaves_two_clients() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    eprintln!("已启动：{}", listener.local_addr().unwrap());
    for _ in 0..2 {
        drop(listener.accept().unwrap());
    }
    sleep(Duration::from_secs(60));
}

#[test]
fn one_of_two_clients_is_named() {
    let rule = rule("");
    let server = actor(&rule, "actor_leaves_two_clients");
    let [first, _second] = [0, 1].map(|_| server.connect());
    assert_says(&failure(|| first.expect("a")), &["^^^ 在这里失败（客户端甲）"]);
}

#[test]
#[ignore = "被测的程序"]
fn actor_whole_buffer() {
    let mut conn = accept();
    conn.write_all(b"ab\0\0\0\0").unwrap();
    wait(conn);
}

#[test]
fn whole_buffer_has_its_cause() {
    let rule = rule("");
    let server = actor(&rule, "actor_whole_buffer");
    let client = server.connect();
    assert_says(&failure(|| client.expect("ab\n")), &["&buffer[..n]"]);
}

#[test]
#[ignore = "被测的程序"]
fn actor_panics() {
    let _conn = accept();
    std::thread::spawn(|| panic!("没有")).join().unwrap_err();
    eprintln!("最后一句");
    std::process::exit(7);
}

#[test]
fn panic_is_one_line_with_its_place() {
    let rule = rule("").cause(Silence, "甲").cause(Closed, "丁").cause(Ended, "戊");
    let server = actor(&rule, "actor_panics");
    let client = server.connect();
    let text = failure(|| client.expect("a"));
    let place = "crates/testkit/tests/truth.rs";
    assert_says(&text, &[&format!("程序崩溃了：{place}"), "：没有\n", "原因：戊", "退出状态 7"]);
    assert_says(&text, &["服务端  崩溃 crates/testkit/tests/truth.rs"]);
    assert!(
        !text.contains("RUST_BACKTRACE") && !text.contains("甲") && !text.contains("丁"),
        "{text}"
    );
}

#[test]
#[ignore = "被测的程序"]
fn actor_says_the_same() {
    let _conn = accept();
    for _ in 0..20_000 {
        eprintln!("同样的一行");
    }
    eprintln!("结束之前");
    std::process::exit(1);
}

#[test]
fn equal_lines_are_drawn_once_and_read_for_ever() {
    let rule = rule("");
    let server = actor(&rule, "actor_says_the_same");
    let client = server.connect();
    let text = failure(|| client.expect("a"));
    assert_says(&text, &[" 次，到 ", "  结束之前\n"]);
    assert!(text.lines().count() < 40, "{text}");
}

#[test]
#[ignore = "被测的程序"]
#[cfg(unix)]
fn actor_closes_its_output() {
    let conn = accept();
    // 换一个程序，它关闭两个输出，然后等测试离开
    let _ = std::os::unix::process::CommandExt::exec(
        std::process::Command::new("sh")
            .args(["-c", "exec >&- 2>&-; read x"])
            .stdin(std::os::fd::OwnedFd::from(conn)),
    );
}

#[test]
#[cfg(unix)]
fn a_program_that_closed_its_output_has_not_ended() {
    let rule = rule("");
    let server = actor(&rule, "actor_closes_its_output");
    let client = server.connect();
    client.expect_silence();
    assert_says(&failure(|| client.expect("a")), &["（还在运行）"]);
}

#[test]
#[ignore = "被测的程序"]
fn actor_elsewhere() {
    eprintln!("已启动：0.0.0.0:0");
    sleep(Duration::from_secs(60));
}

#[test]
fn server_at_another_address_is_found_out() {
    let rule = rule("").cause(Other, "乙");
    let text = failure(|| actor(&rule, "actor_elsewhere"));
    assert_says(&text, &["写出的是参数 0.0.0.0:0"]);
    assert!(!text.contains('乙'), "规则的原因与启动无关：\n{text}");
}

#[test]
#[ignore = "被测的程序"]
fn actor_udp() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    eprintln!("已启动：{}", socket.local_addr().unwrap());
    for answer in [&b"ab\0\0"[..], b"ab\n", b"ab"] {
        let (_, from) = socket.recv_from(&mut [0; 9]).unwrap();
        let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
        let from_here = answer.len() > 2; // 最后一个回答来自别的端口
        if from_here { &socket } else { &elsewhere }.send_to(answer, from).unwrap();
    }
    sleep(Duration::from_secs(60));
}

#[test]
fn datagrams_have_their_causes() {
    let rule = rule("").cause(Silence, "甲").cause(Other, "乙");
    let server = actor(&rule, "actor_udp");
    let client = server.udp();
    for cause in ["&buffer[..n]", "数据报自带边界", "应当用收到单词的那一个"] {
        client.send("问");
        let text = failure(|| client.expect("ab"));
        assert_says(&text, &[cause, "-->", "<--", "3 字节  \"问\""]);
        assert!(!text.contains('乙'), "{text}");
    }
    assert_says(&failure(|| client.expect("ab")), &["什么也没有收到", "原因：甲"]);
}
