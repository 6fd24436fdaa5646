// Threads, a channel, a hash map with random keys, a child process, time.
use std::collections::HashMap;
use std::process::Command;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4)
        .map(|id| {
            let (total, sender) = (total.clone(), sender.clone());
            thread::spawn(move || {
                for step in 0..100 {
                    *total.lock().unwrap() += step;
                }
                thread::sleep(Duration::from_millis(id));
                sender.send(id).unwrap();
            })
        })
        .collect();
    drop(sender);
    println!("{:?}", receiver.iter().collect::<Vec<_>>());
    for thread in threads {
        thread.join().unwrap();
    }
    let map: HashMap<u32, u32> = (0..10).map(|key| (key, key * key)).collect();
    println!("{} {:?}", total.lock().unwrap(), map);
    let output = Command::new("echo").arg("from a child").output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let start = Instant::now();
    println!("{:?} {:?}", SystemTime::now(), start.elapsed() < Duration::from_secs(60));
}
