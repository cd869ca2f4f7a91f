//! 转发程序：测试扮演它两边的客户端和服务端。

use std::env::temp_dir;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Listener, Program, Rule, rule};

/// 在 `server` 之前启动转发程序，选项为 `options`。
#[track_caller]
fn wire(rule: &Rule, options: &[&str], server: &Listener) -> Program {
    let addr = server.addr().to_string();
    let wire =
        rule.program_in(&temp_dir(), cargo_bin!(), &[options, &["127.0.0.1:0", &addr]].concat());
    wire.wait_address("127.0.0.1");
    wire
}

/// 画的各行，去掉时间和客户端的地址。
fn drawn(wire: &Program) -> Vec<String> {
    let lines = wire.stdout();
    let lines = lines.lines().filter_map(|line| Some(line.split_once(" ms  ")?.1.trim()));
    lines.map(|line| line.split('（').next().unwrap_or_default().to_string()).collect()
}

#[test]
fn bytes_pass_both_ways_and_are_drawn() {
    let rule = rule("两个方向的字节和半关闭都原样转发，各画一行。");
    let listener = rule.listen();
    let wire = wire(&rule, &[], &listener);
    let client = wire.connect();
    client.send("你好\n");
    let server = listener.accept(&wire);
    server.expect("你好\n");
    server.send(b"\xff\0");
    client.expect(b"\xff\0");
    client.finish();
    server.expect_close();
    server.send("再见");
    client.expect("再见");
    server.close();
    client.expect_close();
    let expected = [
        "客户端甲 --> 服务端  连接",
        "客户端甲 --> 服务端  7 字节  \"你好\\n\"",
        "客户端甲 <-- 服务端  2 字节  ff 00",
        "客户端甲 --> 服务端  不再发送",
        "客户端甲 <-- 服务端  6 字节  \"再见\"",
        "客户端甲 <-- 服务端  不再发送",
    ];
    while drawn(&wire).len() < expected.len() && !wire.ended() {
        wire.wait(Duration::from_secs(3));
    }
    assert_eq!(drawn(&wire), expected);
}

#[test]
fn slow_cuts_and_glue_joins() {
    let rule = rule("--slow 把字节流拆开，--glue 把字节流合在一起。");
    let listener = rule.listen();
    let slow = wire(&rule, &["--slow", "2"], &listener);
    let client = slow.connect();
    client.send("abcde");
    let server = listener.accept(&slow);
    let gap = server.expect("abcde");
    assert!(gap.as_millis() >= 150, "应当分三段到达，每两段隔 100 毫秒；实际隔了 {gap:?}");
    let glue = wire(&rule, &["--glue", "1000"], &listener);
    let client = glue.connect();
    client.send("一");
    let server = listener.accept(&glue);
    server.expect_silence();
    client.send("二");
    let gap = server.expect("一二");
    assert_eq!(gap.as_millis(), 0, "应当一次到达");
}

#[test]
fn datagrams_pass_both_ways_and_can_be_lost() {
    let rule = rule("数据报原样转发，--lose 3 每三个丢失一个。");
    let server = rule.udp_server("127.0.0.1:0");
    let addr = server.addr().to_string();
    let wire =
        rule.program_in(&temp_dir(), cargo_bin!(), &["--udp", "--lose", "3", "127.0.0.1:0", &addr]);
    wire.wait_address("127.0.0.1");
    server.serves(&wire);
    let client = wire.udp();
    client.send("一");
    let from = server.expect("一");
    server.send_to("二", from);
    client.expect("二");
    client.send("三");
    server.expect_silence();
    client.send("四");
    server.expect("四");
}

#[test]
fn wrong_arguments() {
    let rule = rule("选项用错了地方：说明用法，退出状态 2。");
    for args in [&["127.0.0.1:0"][..], &["--lose", "2", "127.0.0.1:0", "127.0.0.1:1"]] {
        let wire = rule.program_in(&temp_dir(), cargo_bin!(), args);
        wire.expect_exit(2);
        assert!(wire.stderr().starts_with("用法："));
    }
}
