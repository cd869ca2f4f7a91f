//! 网络单词查询，第一关：课程要求的。

mod words;

use assert_cmd::cargo::cargo_bin;
use testkit::{Outcome::*, rule};
use words::{ADDR, DICT, UNKNOWN, client, explanation, server};

#[test]
fn server_does_not_know_every_word() {
    let rule = rule("词典中没有的单词，回答“没有找到这个单词”；对服务端来说，## 也只是一个单词。")
        .cause(
            Silence,
            "词典中没有的单词没有回答；只回答第一个单词，或者第一个来源（connect 了它）",
        )
        .cause(Other, "回答中还有别的；查找时用了 contains 或 starts_with")
        .cause(
            Ended,
            "收到 ## 就结束（udp_server 是这样，这里只有客户端结束）；找不到单词时用了 unwrap",
        );
    let server = server(&rule);
    for word in ["banana", "##", "hello"] {
        let client = server.udp();
        client.send(word);
        client.expect(UNKNOWN);
    }
}

#[test]
fn server_explains_words() {
    let rule =
        rule("一个数据报是一个单词，得到一个数据报：它的解释。").cause(Silence, "只回答了一个单词");
    let server = server(&rule);
    let client = server.udp();
    let words: Vec<&str> = DICT.lines().filter_map(|line| line.split('\t').next()).collect();
    let whole = "单词是 &buffer[..n]，不是整个缓冲区";
    for (word, cause) in [
        (words[0], &*format!("{whole}；回答只有解释，没有单词和制表符")),
        ("three-way handshake", "按空格切分了词典：单词与解释之间是制表符"),
        ("socket", &format!("缓冲区里还有前一个单词余下的字节：{whole}")),
        ("tcp", "找到的是另一个含有 tcp 的单词：应比较整个单词"),
        ("tcp/ip", "按 / 切分了单词；找到的是它的一部分：应比较整个单词"),
        (words[words.len() - 1], "没有查找词典的最后一行"),
    ] {
        rule.cause(Other, cause);
        client.send(word);
        client.expect(explanation(word));
    }
}

#[test]
fn server_ignores_case_and_surrounding_blanks() {
    let rule = rule("查找时去掉单词前后的空白，不分大小写。")
        .cause(Other, "没有用 trim 去掉前后的空白，或者没有用 to_lowercase 转换为小写");
    let server = server(&rule);
    let client = server.udp();
    for (sent, word) in [
        ("TCP", "tcp"),
        ("  Udp ", "udp"),
        ("socket\n", "socket"),
        ("\tIP Address\r\n", "ip address"),
    ] {
        client.send(sent);
        client.expect(explanation(word));
    }
}

#[test]
fn server_finds_only_equal_words() {
    let rule =
        rule("与词典中的单词完全相同才算找到：单词的一部分、多出一些的单词、解释中的词都不算。");
    let server = server(&rule);
    let client = server.udp();
    client.send("tcp");
    client.expect(explanation("tcp"));
    rule.cause(Other, "用了 contains、starts_with 或 find：应切开词典的一行，用 == 比较整个单词");
    let line = format!("tcp\t{}", explanation("tcp"));
    for word in ["tc", "cp", "tcpx", "tcp udp", "传输控制协议", &line] {
        client.send(word);
        client.expect(UNKNOWN);
    }
}

#[test]
fn client_asks_and_prints() {
    let rule =
        rule("客户端显示 >>，把用户的单词作为一个数据报发送，把回答原样打印成一行，再显示 >>。");
    let (client, server) = client(&rule, ADDR);
    for (word, answer) in [("tcp", "回答一"), ("no such word", "  回答 二\t")] {
        let rule = rule
            .clone()
            .cause(Silence, "没有发往参数中的地址")
            .cause(Other, "一个单词发送了不止一次；发送的不是用户输入的");
        client.type_line(word);
        let addr = server.expect(word);
        rule.cause(Silence, "收到了回答而没有打印")
            .cause(Other, "回答后面没有换行，或者 >> 后面换了行；去掉了回答的空白；加了别的文字");
        server.send_to(answer, addr);
        client.expect_stdout(&format!("{answer}\n>>"));
    }
    rule.cause(Other, "一个单词发送了不止一次");
    server.expect_silence();
}

#[test]
fn client_ends() {
    let rule = rule(
        "独占一行的 ##，或者输入结束（Ctrl-D），使客户端退出，不发送；含有 ## 的单词照常发送。",
    );
    for ctrl_d in [false, true] {
        let (client, server) = client(&rule, ADDR);
        let contains = "含有 ## 的一行也当作结束（starts_with，contains）：应比较整行";
        let rule = rule.cause(Silence, contains).cause(Ended, contains);
        client.type_line("##x");
        let addr = server.expect("##x");
        server.send_to("回答", addr);
        client.expect_stdout("回答\n>>");
        let sends = "先发送，再检查是不是 ##；没有检查输入是否已经结束，发送了空行";
        rule.cause(Other, sends)
            .cause(Ended, "退出时返回了错误，或者崩溃了：输入结束也是正常的退出")
            .cause(Open, "没有检查输入是否已经结束：循环读到的是空行");
        if ctrl_d {
            client.end_input();
        } else {
            client.type_line("##");
        }
        server.expect_silence();
        client.expect_exit(0);
        server.expect_silence();
    }
}

#[test]
fn together_client_and_server() {
    let rule = rule("两个客户端轮流向服务端查询，各有各的回答。");
    let server = server(&rule);
    let clients = [(); 2].map(|()| rule.client(cargo_bin!(), &["client"], server.addr()));
    for word in ["tcp", "Three-Way Handshake"] {
        for client in &clients {
            client.expect_stdout(">>");
            client.type_line(word);
            client.expect_stdout(&format!("{}\n", explanation(&word.to_lowercase())));
        }
    }
    server.expect_running();
}
