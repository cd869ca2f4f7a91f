//! 网络单词查询的客户端。

use std::error::Error;
use std::net::SocketAddr;

/// 接收缓冲区的字节数。
const BUFFER_SIZE: usize = 256;

/// 向 `addr` 的服务端查询用户输入的单词，打印解释，直到用户退出；无法继续时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 显示 >> 并读入一行；## 或输入结束（Ctrl-D）则退出，不发送
    // 2. 新建一个套接字，把这个单词作为一个数据报发给 addr
    // 3. 接收回答，一个数据报
    // 4. 打印回答，占一行；再次提示
    todo!("第 1 步：读入单词，向 {addr} 查询；用到 {BUFFER_SIZE}")
}
