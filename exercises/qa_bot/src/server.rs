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

/// 一个问题最多的字节数，不含换行。
const MAX_QUESTION: usize = 1024;

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾
    // 2. 循环接受连接；每个连接交给一个新线程，一个客户端出错不影响其他客户端
    // 3. 在线程中逐行读问题（以 \n 结尾）；超过 MAX_QUESTION 字节就结束这个连接
    // 4. 在 ANSWERS 中查找，没有就用 UNKNOWN；回答后面加 \n 发送
    // 5. 客户端关闭后，最后一个问题可能没有 \n，同样要回答
    todo!("第 1 步：监听 {addr}；用到 {} 行的问答表、{UNKNOWN:?}、{MAX_QUESTION}", ANSWERS.len())
}
