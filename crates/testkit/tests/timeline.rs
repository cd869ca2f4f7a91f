//! 测试失败时画出的经过：谁发给谁哪些字节，程序打印什么，在哪里出错；80 列，不超过 40 行。

use std::io::Write;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use testkit::draw::{Bytes, COLUMNS, client_name, cut, pad, width};
use testkit::{Program, connect, listen, neighbour, udp_socket};

/// 编译工作区中的程序 `name`，返回它的路径。
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("测试程序的路径"); // 目标目录/debug/deps/程序
    neighbour(test.parent().expect("有上一级目录"), name)
}

/// 运行必定失败的 `job`，返回失败信息中的经过，去掉各行的时间。
fn timeline(job: impl FnOnce()) -> Vec<String> {
    let message = catch_unwind(AssertUnwindSafe(job)).expect_err("应当失败");
    let message = message.downcast::<String>().expect("失败信息是文字");
    let (_, drawn) = message.split_once("经过：\n").expect("失败信息中有经过");
    let lines: Vec<&str> = drawn.trim_end().lines().collect();
    assert!(lines.len() < 40, "{drawn}");
    assert!(lines.iter().all(|line| width(line) <= COLUMNS), "{drawn}");
    lines.into_iter().map(without_time).collect()
}

fn without_time(line: &str) -> String {
    let line = line.split_once(" ms  ").map_or(line, |(_, rest)| rest);
    let line = if line.contains("^^^") { line.trim_start() } else { line };
    line.rsplit_once("，到 ").map_or(line, |(start, _)| start).to_string()
}

#[test]
fn server_under_test() {
    let server = program("tcp_server");
    let lines = timeline(|| {
        let mut server = Program::start(server, &["127.0.0.1:0"]);
        let addr = server.addr();
        server.wait_stdout("等待客户端连接\n");
        let mut client = connect(addr);
        client.write_all("你叫".as_bytes().split_at(4).0).unwrap();
        server.wait_stdout(">>");
        server.type_line("好\t");
        server.assert_receives(&mut client, "好"); // 两次读，画成一段
        server.assert_receives(&mut client, "啊\n");
    });
    let (start, rest) = lines.split_at(2); // 启动信息和第一行输出，哪个先到不一定
    let printed = "           服务端  打印 \"等待客户端连接\\n\"".to_string();
    assert!(start.contains(&printed), "{lines:?}");
    assert!(start.iter().any(|line| line.contains("服务端  标准错误 \"TCP 服务端已启动")));
    assert_eq!(
        rest,
        [
            "客户端 --> 服务端  连接",
            "客户端 --> 服务端  4 字节  \"你\" + e5",
            "           服务端  打印 \"从客户端收到消息: 你�\\n\"",
            "           服务端  打印 \">>\"",
            "           服务端  键入 \"好\\t\\n\"",
            "客户端 <-- 服务端  4 字节  \"好\\t\"",
            "^^^ 应收到 \"啊\\n\"",
        ]
    );
}

#[test]
fn client_under_test() {
    let client = program("tcp_client");
    let lines = timeline(|| {
        let (listener, addr) = listen();
        let mut client = Program::start(client, &[&addr.to_string()]);
        let mut conn = client.accept(&listener);
        client.wait_stdout(">>");
        client.type_line("你好");
        client.assert_receives(&mut conn, "你好");
        conn.shutdown(Shutdown::Write).unwrap();
        client.assert_exit(0);
    });
    assert!(lines.contains(&"客户端 --> 服务端  连接".to_string()), "{lines:?}");
    assert!(lines.contains(&"客户端             键入 \"你好\\n\"".to_string()), "{lines:?}");
    assert!(lines.contains(&"客户端 <-- 服务端  关闭写方向".to_string()), "{lines:?}");
    assert!(lines.contains(&"客户端             程序结束".to_string()), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("^^^ 应当：程序结束，退出状态为 0；"), "{lines:?}");
}

#[test]
fn many_events_are_folded_and_left_out() {
    let server = program("tcp_server");
    let lines = timeline(|| {
        let mut server = Program::start(server, &["127.0.0.1:0"]);
        let addr = server.addr();
        server.wait_stdout("等待客户端连接\n");
        let mut clients: Vec<_> = (0..50).map(|_| connect(addr)).collect();
        for (i, client) in clients.iter_mut().enumerate() {
            client.write_all(format!("{i}").repeat(i * 100).as_bytes()).unwrap();
        }
        for _ in 0..3000 {
            clients[49].write_all(b"again").unwrap();
        }
        for byte in b"one byte at a time" {
            clients[48].write_all(&[*byte]).unwrap();
        }
        server.assert_silent(&mut clients[20], Duration::from_millis(100));
        server.fail("到此为止");
    });
    let text = lines.join("\n");
    assert!(text.contains("客户端甲 --> 服务端  连接\n           …… 同样的再有 49 次"), "{text}");
    assert!(text.contains("  5 字节  × 3000 次  \"again\""), "{text}");
    assert!(text.contains("  18 字节（一次一个"), "{text}");
    assert!(text.contains("…… 省略 "), "{text}");
    assert!(text.contains("客户端21 --> 服务端  4000 字节"), "最后那个客户端做的事不省略：{text}");
    assert!(!text.contains("  0 字节"), "{text}");
    assert!(text.contains("客户端50 --> 服务端"), "{text}");
    assert!(text.contains("  沉默 "), "{text}");
}

#[test]
fn datagrams_strangers_and_ports() {
    let client = program("word_lookup_solution");
    let lines = timeline(|| {
        let (socket, addr) = udp_socket();
        let mut client = Program::start(client, &["client", &addr.to_string()]);
        client.wait_stdout(">>");
        for word in ["tcp", "udp"] {
            client.type_line(word);
            let (_, from) = client.recv_from(&socket);
            udp_socket().0.send_to("别人的".as_bytes(), from).unwrap();
            socket.send_to("回答".as_bytes(), from).unwrap();
            client.wait_stdout("回答\n>>");
        }
        client.assert_quiet(Duration::from_millis(50));
        client.fail("第二行\n问题：回答不对");
    });
    let text = lines.join("\n");
    assert!(text.contains(" <-- 别人    9 字节  \"别人的\""), "{text}");
    let with_port = lines.iter().filter(|line| line.starts_with("客户端:")).count();
    assert_eq!(with_port, 6, "两个单词用两个端口：{text}");
    assert_eq!(lines.last().unwrap(), "^^^ 回答不对");
}

#[test]
fn plain_assertions_draw_too() {
    // 断言在别处失败：经过由 Drop 画出，写到标准错误，这里只看它不出错
    let server = program("udp_server");
    let result = catch_unwind(|| {
        let mut server = Program::start(server, &["127.0.0.1:0"]);
        let (socket, _) = udp_socket();
        socket.send_to(b"hello", server.addr()).unwrap();
        assert_eq!(1, 2);
    });
    assert!(result.is_err());
}

#[test]
fn bytes_are_shown() {
    let show = |data: &[u8], columns| Bytes::new(data).show(columns);
    assert_eq!(show("你叫".as_bytes(), 40), "\"你叫\"");
    assert_eq!(show(b"a\r\n\t\"\\\x1b", 40), r#""a\r\n\t\"\\" + 1b"#);
    assert_eq!(show(&"么".as_bytes()[1..], 40), "b9 88");
    assert_eq!(show(b"", 40), "");
    let picture: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 256) as u8).collect();
    assert!(show(&picture, 40).starts_with("00 07 0e 15 1c "), "{}", show(&picture, 40));
    for n in [1, 50, 59, 60, 61, 5000] {
        for (start, end) in [("", ""), ("x", ""), ("xx", "y"), ("", "yy"), ("xxx", "y")] {
            let (data, columns) = (format!("{start}{}{end}", "汉".repeat(n)), 48);
            let shown = show(data.as_bytes(), columns);
            assert!(width(&shown) <= columns && !shown.contains('�'), "{n} {shown}");
            assert!(!shown.contains(" e6") && !shown.contains(" b1"), "没有切断的汉字：{shown}");
        }
    }
    let mut joined = Bytes::new(b"ab");
    joined.append(&[b'c'; 1000]);
    assert!(!joined.is_empty() && joined.len() == 1002);
    assert_eq!(joined.show(20), "\"abccccccc\" … \"cccc\"");
}

#[test]
fn columns_line_up() {
    assert_eq!(width("客户端 -->“”…"), 13);
    assert_eq!(pad("甲", 4), "甲  ");
    assert_eq!(cut("一二三四", 5), "一二…");
    assert_eq!((client_name(0), client_name(10)), ("客户端甲".into(), "客户端11".into()));
}
