import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

/** Threads of several kinds, a garbage collection, a child process, files, time. */
public class Threads {
    static int racy;

    public static void main(String[] arguments) throws Exception {
        System.out.println("hello " + System.getProperty("java.vm.name"));
        Thread[] threads = new Thread[4];
        AtomicLong sum = new AtomicLong();
        for (int i = 0; i < threads.length; i++) {
            int id = i;
            threads[i] = new Thread(() -> {
                long own = 0;
                for (int k = 0; k < 200000; k++) {
                    own += k * id;
                    racy++;
                }
                sum.addAndGet(own);
                synchronized (System.out) {
                    System.out.println("thread " + id + " " + own);
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) thread.join();
        System.out.println(sum + " " + racy);

        ExecutorService pool = Executors.newFixedThreadPool(3);
        List<Future<Integer>> results = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int number = i;
            results.add(pool.submit(() -> number * number));
        }
        for (Future<Integer> result : results) System.out.print(result.get() + " ");
        pool.shutdown();
        System.out.println(pool.awaitTermination(10, TimeUnit.SECONDS));

        System.out.println(IntStream.range(0, 100000).parallel().mapToLong(i -> i % 7).sum());
        byte[][] garbage = new byte[16][];
        for (int i = 0; i < 400; i++) garbage[i % garbage.length] = new byte[100000];
        System.gc();
        Files.writeString(Path.of("written"), "text\n");
        System.out.print(Files.readString(Path.of("written")));
        Process process = new ProcessBuilder("echo", "from a child").inheritIO().start();
        System.out.println(process.waitFor() + " " + System.nanoTime() + " " + new Random().nextInt());
    }
}
