//! 典型错误：把问答表放进会改变次序的映射。
//!
//! - 想法：问答表是字典，Rust 的字典是 `HashMap` 或 `BTreeMap`。
//! - 结果：`BTreeMap` 按键排序，`HashMap` 没有固定的次序；问题含有两个关键字时，选中的不再是表中靠前的一个。
//!
//! 拒绝它的测试：`basic` 的 `server_takes_the_first_keyword_of_the_table`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_sorted_map -- server`

use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let answers = BTreeMap::from([
        ("你好", "你好啊"),
        ("叫什么", "我叫小美"),
        ("几岁", "我两岁啦"),
        ("男生女生", "我是机器人"),
        ("睡了", "吸引才是最重要的"),
    ]);
    for question in BufReader::new(stream).split(b'\n') {
        let question = question?;
        let question = String::from_utf8_lossy(&question);
        let found = answers.iter().find(|(keyword, _)| question.contains(**keyword));
        let answer = found.map(|(_, answer)| answer);
        stream.write_all(format!("{}\n", answer.unwrap_or(&"人家还小，不知道。")).as_bytes())?;
    }
    Ok(())
}
