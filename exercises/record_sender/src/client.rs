//! 记录上传的客户端。

use std::error::Error;
use std::net::SocketAddr;

/// 课程的数据：姓名、年龄、身高。
const RECORDS: [&str; 3] = ["张三  18   177", "李四  19   180", "王五  120  183"];

/// 回答最多的字节数，含 `\n`；条数远远用不到。
const MAX_ANSWER: u64 = 32;

/// 把 `RECORDS` 发给 `addr` 的服务端，打印它保存的条数；
/// 无法连接、没有得到条数、条数与发送的不同时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接服务端
    // 2. 发送每条记录，后面加 \n；最后发送 #，后面也加 \n
    // 3. 读回答，直到 \n，最多 MAX_ANSWER 字节
    // 4. 回答是条数：打印“服务端已保存 {n} 条记录”；不是条数，或与发送的不同，返回错误
    todo!("第 1 步：连接 {addr}，发送 {RECORDS:?}；用到 {MAX_ANSWER}")
}
