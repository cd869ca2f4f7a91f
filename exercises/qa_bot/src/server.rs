//! 问答机器人的服务端。

use std::error::Error;
use std::net::SocketAddr;

/// 课程的问答表：问题中出现左边的关键字，就回答右边的话；按次序查找，取第一个出现的。
const ANSWERS: [(&str, &str); 5] = [
    ("你好", "你好啊"),
    ("叫什么", "我叫小美"),
    ("几岁", "我两岁啦"),
    ("男生女生", "我是机器人"),
    ("睡了", "吸引才是最重要的"),
];

/// 没有关键字出现时的回答。
const UNKNOWN: &str = "人家还小，不知道。";

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址（local_addr）结尾
    // 2. 循环接受连接；每个连接交给一个新线程
    // 3. 在线程中循环读问题，每次读到 \n 为止；读到 0 字节表示客户端已经离开
    // 4. 在 ANSWERS 中查找，没有就用 UNKNOWN；回答和 \n 一次写出
    todo!("第 1 步：监听 {addr}；用到 {} 行的问答表和 {UNKNOWN:?}", ANSWERS.len())
}
