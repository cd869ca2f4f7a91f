//! 典型错误：拿整个问题去查字典。
//!
//! - 想法：课程说用字典表示关键字和答案，那就 `answers.get(问题)`。
//! - 结果：字典只找完全相同的键：“你叫什么名字”不等于“叫什么”，答“不知道”。要找的是问题中出现的关键字。
//!
//! 拒绝它的测试：`basic` 的 `server_answers_by_keyword`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_whole_question -- server`

use std::collections::HashMap;
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
    let answers = HashMap::from([
        ("你好", "你好啊"),
        ("叫什么", "我叫小美"),
        ("几岁", "我两岁啦"),
        ("男生女生", "我是机器人"),
        ("睡了", "吸引才是最重要的"),
    ]);
    for question in BufReader::new(stream).split(b'\n') {
        let question = question?;
        let question = String::from_utf8_lossy(&question);
        let answer = answers.get(question.as_ref());
        stream.write_all(format!("{}\n", answer.unwrap_or(&"人家还小，不知道。")).as_bytes())?;
    }
    Ok(())
}
