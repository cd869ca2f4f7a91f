//! 问答机器人的客户端。

use std::error::Error;
use std::net::SocketAddr;

/// 连接 `addr` 的服务端，把用户输入的问题发过去，打印回答；无法连接、服务端离开时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接服务端
    // 2. 循环：显示 >> 并读入一行；## 或输入结束（Ctrl-D）则退出，不发送
    // 3. 问题和 \n 一次写出
    // 4. 读回答，读到 \n 为止
    // 5. 打印回答，占一行
    todo!("第 1 步：连接 {addr}")
}
