//! 问答机器人，第一关：课程要求的。

use assert_cmd::cargo::cargo_bin;
use testkit::{Outcome::*, Program, Rule, rule};

#[track_caller]
fn server(rule: &Rule) -> Program {
    rule.server(cargo_bin!(), &["server"])
}

#[test]
fn server_answers_by_keyword() {
    let rule = rule("每个问题得到一行回答：问题中出现的关键字的，或者“人家还小，不知道。”。")
        .cause(Silence, "只回答了一个问题；或者还在等客户端关闭连接，没有读到 `\\n` 就回答")
        .cause(Other, "没有清空前一个问题；要求问题与关键字完全相同；只比较了其中的几个字")
        .cause(Closed, "只回答了一个问题就关闭连接");
    let server = server(&rule);
    let client = server.connect();
    for (question, answer) in [
        ("你好", "你好啊"),
        ("你叫什么名字", "我叫小美"),
        ("明天下雨吗", "人家还小，不知道。"),
        ("请问你今年几岁了", "我两岁啦"),
        ("你是男生女生", "我是机器人"),
        ("你们都好吗", "人家还小，不知道。"),
        ("你睡了吗", "吸引才是最重要的"),
    ] {
        client.send(format!("{question}\n"));
        client.expect(format!("{answer}\n"));
    }
}

#[test]
fn server_takes_the_first_keyword_of_the_table() {
    let rule = rule("问题含有几个关键字时，取问答表中靠前的一个，不管它在问题中先后。")
        .cause(Other, "取了问题中最先出现的；把问答表放进了不保持次序的 HashMap");
    let server = server(&rule);
    let client = server.connect();
    for (question, answer) in [
        ("叫什么？你好！", "你好啊"),
        ("几岁？叫什么？", "我叫小美"),
        ("男生女生？几岁？", "我两岁啦"),
        ("睡了？男生女生？", "我是机器人"),
    ] {
        client.send(format!("{question}\n"));
        client.expect(format!("{answer}\n"));
    }
}

#[test]
fn server_waits_for_the_end_of_the_line() {
    let rule = rule("问题可以分两段到达：读到 `\\n` 才回答。")
        .cause(Other, "把一次 read 当作一个问题，没有等 `\\n`");
    let server = server(&rule);
    let client = server.connect();
    client.send("你叫什么");
    client.expect_silence();
    client.send("名字\n");
    rule.cause(Other, "丢失了先到的一半，或者把它们分作两个问题");
    client.expect("我叫小美\n");
}

#[test]
fn server_serves_many_clients_at_once() {
    let rule = rule("许多客户端可以同时提问，互不等待；一个离开，别人不受影响。")
        .cause(
            Silence,
            "服务完一个客户端才接受下一个；线程的个数是固定的：应为每个连接启动一个线程",
        )
        .cause(Ended, "客户端离开（读到 0 字节）之后仍然回答，写出错时用了 unwrap");
    let server = server(&rule);
    let clients: Vec<_> = (0..80).map(|_| server.connect()).collect();
    for client in clients.iter().rev() {
        client.send("几岁\n");
        client.expect("我两岁啦\n");
    }
    drop(clients);
    let client = server.connect();
    client.send("今天星期几\n");
    client.expect("人家还小，不知道。\n");
    server.expect_running();
}

#[test]
fn client_asks_and_prints() {
    let rule = rule("客户端显示 >>，发送用户的问题和 `\\n`，把回答打印成一行，再显示 >>。")
        .cause(Silence, "问题还在缓冲区里，没有 flush")
        .cause(Other, ">> 后面有空格或换行；显示了别的");
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    let server = listener.accept(&client);
    client.expect_stdout(">>");
    client.type_line("你是谁");
    server.expect("你是谁\n");
    rule.cause(Other, "回答自带 `\\n`，用 println! 打印就多了一个空行");
    server.send("回答一\n");
    client.expect_stdout("回答一\n>>");
    client.type_line("第二个问题");
    server.expect("第二个问题\n");
    rule.cause(Other, "把一次 read 当作一个回答，没有等 `\\n`");
    server.send("回答");
    client.expect_quiet();
    server.send("二\n");
    client.expect_stdout("回答二\n>>");
}

#[test]
fn client_ends() {
    let rule = rule(
        "独占一行的 ##，或者输入结束（Ctrl-D），使客户端退出，不发送；含有 ## 的问题照常发送。",
    )
    .cause(Open, "没有检查输入是否已经结束：循环读到的是空行")
    .cause(Other, "用 starts_with 或 contains 找 ##；结束之前把 ## 也发送了");
    for ctrl_d in [false, true] {
        let listener = rule.listen();
        let client = rule.client(cargo_bin!(), &["client"], listener.addr());
        let server = listener.accept(&client);
        client.expect_stdout(">>");
        client.type_line("##在哪里##");
        server.expect("##在哪里##\n");
        server.send("在这里\n");
        client.expect_stdout("在这里\n>>");
        if ctrl_d {
            client.end_input();
        } else {
            client.type_line("##");
        }
        server.expect_close();
        client.expect_exit(0);
    }
}

#[test]
fn together_client_and_server() {
    let rule = rule("两个客户端轮流向服务端提问，各有各的回答。");
    let server = server(&rule);
    let clients = [(); 2].map(|()| rule.client(cargo_bin!(), &["client"], server.addr()));
    for (question, answer) in [("你好呀", "你好啊"), ("天气", "人家还小，不知道。")]
    {
        for client in &clients {
            client.expect_stdout(">>");
            client.type_line(question);
            client.expect_stdout(&format!("{answer}\n"));
        }
    }
    server.expect_running();
}
