//! 网络单词查询的客户端。

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

/// 一个单词最多发送的次数。
const TRIES: u32 = 3;

/// 每次发送之后等待回答的时间。
const TIMEOUT: Duration = Duration::from_secs(1);

/// 接收缓冲区的字节数：放得下任何一个 UDP 数据报。
const BUFFER_SIZE: usize = 65_535;

/// 向 `addr` 的服务端查询用户输入的单词，打印解释，直到用户退出；无法读取标准输入时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 显示 >> 并读入一行；空行再次提示，## 或输入结束（Ctrl-D）则退出，不发送
    // 2. 为这个单词新建一个套接字，只接收 addr 发来的数据报
    // 3. 把单词作为一个数据报发送
    // 4. 最多等待 TIMEOUT；没有等到就再发，一共发送 TRIES 次
    // 5. 打印回答，占一行；始终没有回答，就在标准错误上写一行，再次提示
    todo!("第 1 步：读入单词，向 {addr} 查询；用到 {TRIES}、{TIMEOUT:?}、{BUFFER_SIZE}")
}
