//! 网络单词查询，第二关：真实的对方要求的。次序与 `README.md` 相同。

mod words;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::{Outcome::*, Program, UdpPeer, common, rule};
use words::{ADDR, DICT, UNKNOWN, client, explanation, server};

/// 最大的 UDP 数据报（IPv4）；macOS 默认不让程序发送这样大的。
const MAX_DATAGRAM: usize = if cfg!(target_os = "macos") { 9_216 } else { 65_507 };

/// 用户输入 `word`；返回客户端从哪里发来。
#[track_caller]
fn asks(client: &Program, server: &UdpPeer, word: &str) -> SocketAddr {
    client.type_line(word);
    server.expect(word)
}

/// 服务端回答 `answer`，客户端打印它。
#[track_caller]
fn answered(client: &Program, server: &UdpPeer, answer: &str, addr: SocketAddr) {
    server.send_to(answer, addr);
    client.expect_stdout(&format!("{answer}\n>>"));
}

/// 客户端再次发送 `tcp`，这时从 `start` 起至少过了 `seconds` 秒。
#[track_caller]
fn asks_again(client: &Program, server: &UdpPeer, start: Instant, seconds: f32) -> SocketAddr {
    let addr = server.expect("tcp");
    waited(client, server.arrived() - start, seconds, "再发");
    addr
}

/// 等了 `elapsed` 才做 `what`，应当等满 `seconds` 秒：系统的计时差一点没有关系。
#[track_caller]
fn waited(client: &Program, elapsed: Duration, seconds: f32, what: &str) {
    if elapsed.as_secs_f32() < seconds * 0.95 {
        let actual = format!("{:.2} 秒就{what}", elapsed.as_secs_f32());
        client.fail(&format!("用户输入之后满 {seconds} 秒才{what}"), &actual);
    }
}

#[test]
fn longest_word() {
    let rule = rule(
        "单词所在的数据报可以很长（例如有许多空白），一次收完整：截断了的单词可能成为另一个单词。",
    )
    .cause(Other, "缓冲区太小，数据报超出的部分丢失了：BUFFER_SIZE 改为 65535")
    .cause(Silence, "缓冲区太小（Windows 上，接收因此出错）：BUFFER_SIZE 改为 65535")
    .cause(Ended, "缓冲区太小（Windows 上，接收因此出错）：BUFFER_SIZE 改为 65535");
    let server = server(&rule);
    let client = server.udp();
    for n in [2000, MAX_DATAGRAM] {
        client.send(format!("{:<1$}x", "tcp", n - 1));
        client.expect(UNKNOWN);
        client.send(format!("{:>n$}", "tcp"));
        client.expect(explanation("tcp"));
    }
}

#[test]
fn word_that_is_not_utf8_or_empty() {
    let rule = rule("不是 UTF-8 的、空的数据报，也是词典中没有的单词，照样回答。")
        .cause(Ended, "用了 String::from_utf8 和 ? 或 unwrap：应用 String::from_utf8_lossy")
        .cause(
            Silence,
            "丢弃了不是 UTF-8 的数据报；把 0 字节当作对方已经关闭（那是 TCP），或者没有收到",
        )
        .cause(Other, "丢弃了无效的字节，余下的成为另一个单词；空的单词与词典的一行的开头相同");
    let server = server(&rule);
    let client = server.udp();
    for word in [&b"\xff\xfe"[..], b"\xfftcp", b"t\xffcp", b"tcp\xe4\xbd", b"", b" \r\n"] {
        client.send(word);
        client.expect(UNKNOWN);
    }
    client.send("tcp");
    client.expect(explanation("tcp"));
}

#[test]
fn many_clients_at_once() {
    let rule = rule("许多客户端的单词同时到达，各有各的回答；有的不等回答就离开，不妨碍别人。")
        .cause(Silence, "只为第一个客户端服务（connect 了它）；丢弃了排队的数据报")
        .cause(Other, "回答没有发给这个单词的来源")
        .cause(Ended, "接收或发送出错时用了 ?：一个客户端的错误结束了整个服务端");
    let server = server(&rule);
    let words = DICT.lines().filter_map(|line| line.split_once('\t')).step_by(4).take(30);
    let clients: Vec<_> = words.map(|entry| (server.udp(), server.udp(), entry)).collect();
    for (client, leaver, (word, _)) in &clients {
        client.send(word);
        leaver.send("tcp");
        leaver.leave();
    }
    for (client, _, (_, explanation)) in clients.iter().rev() {
        client.expect(explanation);
    }
    let client = server.udp();
    client.send("udp");
    client.expect(explanation("udp"));
    server.expect_running();
}

#[test]
fn cannot_listen() {
    common::cannot_listen(cargo_bin!(), &["server"]);
}

#[test]
fn longest_answer() {
    let rule = rule("最长的回答（一个数据报放得下的）也完整地打印。")
        .cause(Other, "缓冲区太小，数据报超出的部分丢失了：BUFFER_SIZE 改为 65535")
        .cause(Silence, "缓冲区太小（Windows 上，接收因此出错）：BUFFER_SIZE 改为 65535")
        .cause(Ended, "缓冲区太小（Windows 上，接收因此出错）：BUFFER_SIZE 改为 65535");
    let (client, server) = client(&rule, ADDR);
    let addr = asks(&client, &server, "tcp");
    let answer = format!("{:-<1$}!", "回答", MAX_DATAGRAM - "回答".len() + 1);
    answered(&client, &server, &answer, addr);
}

#[test]
fn server_at_an_ipv6_address() {
    let cause = "绑定的 0.0.0.0 是 IPv4 的地址，不能发送到 IPv6 的：要与 addr 同族";
    let rule = rule("服务端的地址也可以是 IPv6 的，例如 [::1]:5555。")
        .cause(Ended, cause)
        .cause(Silence, cause);
    if UdpSocket::bind("[::1]:0").is_err() {
        println!("跳过：这台计算机没有 IPv6 的地址 ::1");
        return;
    }
    let (client, server) = client(&rule, "[::1]:0");
    let addr = asks(&client, &server, "tcp");
    answered(&client, &server, "回答", addr);
}

#[test]
fn no_answer() {
    let rule = rule("收到回答立即打印；1 秒没有回答就再发，一共发送 3 次；都没有，就在标准错误上写一行，写明哪个地址，再次提示。")
        .cause(Other, "用 sleep 等：应设置 recv 的时限（set_read_timeout），它收到就返回");
    let (client, server) = client(&rule, ADDR);
    let start = Instant::now();
    for word in ["udp", "dns", "arp"] {
        let addr = asks(&client, &server, word);
        answered(&client, &server, "回答", addr);
    }
    if start.elapsed() > Duration::from_millis(2_500) {
        let actual = format!("打印三个回答用了 {:.1} 秒", start.elapsed().as_secs_f32());
        client.fail("收到回答立即打印", &actual);
    }
    rule.cause(Silence, "接收没有时限（set_read_timeout），或者时限长于 1 秒；没有再发，例如用 ? 返回了 recv 的错误")
        .cause(Ended, "等到时限，recv 返回错误，用 ? 结束了客户端")
        .cause(Other, "没有等满 1 秒");
    let start = Instant::now();
    asks(&client, &server, "tcp");
    asks_again(&client, &server, start, 1.0);
    asks_again(&client, &server, start, 2.0);
    rule.cause(Silence, "第三次发送之后，没有放弃")
        .cause(Other, "没有回答写在了标准输出上：错误用 eprintln!");
    client.expect_stdout(">>");
    let elapsed = start.elapsed();
    rule.cause(Other, "每次等的不是 1 秒；第三次发送之后没有等");
    waited(&client, elapsed, 3.0, "放弃");
    if elapsed > Duration::from_secs(5) {
        let actual = format!("{:.1} 秒才放弃", elapsed.as_secs_f32());
        client.fail("用户输入之后 3 秒放弃", &actual);
    }
    rule.cause(Other, "发送了不止 3 次");
    server.expect_silence();
    rule.cause(Silence, "放弃的时候没有说明")
        .cause(Other, "错误中没有地址；每次没有回答都写了一行");
    client.expect_stderr_lines(1);
    let (stderr, addr) = (client.stderr(), server.addr().to_string());
    if stderr.lines().count() != 1 || !stderr.contains(&addr) {
        client.fail(&format!("标准错误上是一行，写明 {addr}"), &format!("{stderr:?}"));
    }
    let addr = asks(&client, &server, "tcp");
    answered(&client, &server, "回答", addr);
}

#[test]
fn answer_to_an_earlier_try() {
    let cause = "每次发送都用新的套接字：前一次的回答到达旧的端口，收不到了";
    let rule = rule("重发之后，前一次发送的回答也算数。").cause(Silence, "没有再发");
    let (client, server) = client(&rule, ADDR);
    let addr = asks(&client, &server, "tcp");
    server.expect("tcp");
    rule.cause(Silence, cause).cause(Other, cause);
    answered(&client, &server, "回答", addr);
    rule.cause(Other, "打印了两次");
    client.expect_quiet();
}

#[test]
fn late_answer() {
    let rule = rule("前一个单词的回答可以迟到，也可以来两次：它不是下一个单词的回答。").cause(
        Other,
        "几个单词共用一个套接字：每个单词用新的（先清空旧的也不够，回答可能在清空之后才到）",
    );
    let (client, server) = client(&rule, ADDR);
    let mut old: Vec<(SocketAddr, &str)> = Vec::new();
    for (word, answer) in [("tcp", "回答一"), ("udp", "回答二"), ("dns", "回答三")] {
        // 占住旧的端口：新的套接字不会碰巧用到它
        let _held: Vec<_> = old.iter().map(|(addr, _)| UdpSocket::bind(addr)).collect();
        let addr = asks(&client, &server, word);
        old.iter().for_each(|(addr, late)| server.send_to(late, *addr));
        if !old.is_empty() {
            client.expect_quiet();
        }
        answered(&client, &server, answer, addr);
        old.push((addr, answer));
    }
}

#[test]
fn answer_from_a_stranger() {
    let rule = rule("别的程序发来的数据报不是回答，也不用去等待的时间：照样等满 1 秒，再发。")
        .cause(Other, "没有 connect，也没有比较 recv_from 返回的来源")
        .cause(Ended, "别人的数据报结束了客户端");
    let (client, server) = client(&rule, ADDR);
    let start = Instant::now();
    let addr = asks(&client, &server, "tcp");
    let stranger = client.udp_stranger();
    while !server.is_asked() {
        stranger.send_to("别人的数据报", addr);
        client.expect_quiet();
        if start.elapsed() > Duration::from_secs(3) {
            rule.cause(Other, "每收到别人的一个数据报，就重新等 1 秒：应从发送算起");
            client.fail("1 秒没有回答就再发，不管别人的数据报", "3 秒没有再发");
        }
    }
    rule.cause(Other, "没有等满 1 秒：收到别人的数据报，就当作没有回答");
    let addr = asks_again(&client, &server, start, 1.0);
    answered(&client, &server, "回答", addr);
}

#[test]
fn no_server_yet() {
    let rule = rule("没有服务端时，系统可能立即报告“连接被拒绝”：它不是回答，照样等满 1 秒再发，服务端也许正在启动。")
        .cause(Other, "没有等满 1 秒：recv 立即返回错误（连接被拒绝），不是等到了时限")
        .cause(Silence, "没有再发")
        .cause(Ended, "recv 返回错误，用 ? 结束了客户端");
    let (client, server) = client(&rule, ADDR);
    server.leave();
    let start = Instant::now();
    client.type_line("tcp");
    client.expect_quiet();
    let server = server.come_back();
    let addr = asks_again(&client, &server, start, 1.0);
    answered(&client, &server, "回答", addr);
}
