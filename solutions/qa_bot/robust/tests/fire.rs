//! 问答机器人的故障测试：随机的客户端和服务端，在任何一个字节之后重置。失败时写出种子，可以重放。
#![cfg(unix)]

use assert_cmd::cargo::cargo_bin;
use testkit::fire::{Random, attack, reset_now, rounds};
use testkit::{Peer, Program, rule};

const QUESTIONS: [(&str, &str); 3] =
    [("你好呀\n", "你好啊\n"), ("你几岁\n", "我两岁啦\n"), ("下雨吗\n", "人家还小，不知道。\n")];

fn server(sentence: &str) -> Program {
    rule(sentence).server(cargo_bin!(), &["server"])
}

/// 一个守规矩的客户端问一个随机的问题。
#[track_caller]
fn ask(client: &Peer, random: &mut Random) {
    let (question, answer) = QUESTIONS[random.below(QUESTIONS.len())];
    client.send(question);
    client.expect(answer);
}

#[test]
fn bad_peers() {
    rounds(|random| {
        let server = server("不论别人发来什么、怎样离开，守规矩的客户端都得到正确的回答。");
        let good = server.connect();
        for _ in 0..30 {
            let bytes = random.mangle(&QUESTIONS.map(|(question, _)| question.as_bytes()));
            attack(&server, random, &bytes);
            ask(&good, random);
        }
        ask(&server.connect(), random);
        server.expect_running();
    });
}

#[test]
fn reset_at_every_byte() {
    rounds(|random| {
        let server = server("客户端在任何一个字节之后重置连接，别人照常得到回答。");
        let good = server.connect();
        let questions = QUESTIONS.map(|(question, _)| question).concat();
        for n in 0..=questions.len() {
            let client = server.connect();
            client.send(&questions.as_bytes()[..n]);
            reset_now(client);
            ask(&good, random);
        }
        server.expect_running();
    });
}

#[test]
fn bad_servers() {
    rounds(|random| {
        for round in 0..10 {
            let rule = rule("不论服务端回答什么，客户端打印完整的一行，否则说明一行错误。");
            let listener = rule.listen();
            let client = rule.client(cargo_bin!(), &["client"], listener.addr());
            let server = listener.accept(&client);
            client.type_line("你好");
            server.expect("你好\n");
            let mut answer = random.mangle(&[b"a\n", "你好啊\n".as_bytes()]);
            if round == 0 {
                answer = vec![b'9'; 1 << 20]; // 没有 \n，连接也不关闭
            }
            server.send(&answer);
            let _open = (round == 0).then_some(server);
            match answer.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let line = String::from_utf8_lossy(&answer[..=end]);
                    client.expect_stdout(&format!(">>{line}>>"));
                }
                None => {
                    client.expect_stdout(">>");
                    client.expect_error(&[&listener.addr().to_string()]);
                }
            }
        }
    });
}
