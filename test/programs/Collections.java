import java.util.*;
import java.util.concurrent.atomic.*;

/** Threads that allocate, while several threads of the collector copy and mark; and threads that spin until all are there. */
public class Collections {
    static final int THREADS = 2;
    static final int ROUNDS = 3;
    static final AtomicInteger arrived = new AtomicInteger();
    static volatile int generation;
    static long spins;

    static void await() {
        int mine = generation;
        if (arrived.incrementAndGet() == THREADS) {
            arrived.set(0);
            generation = mine + 1;
        } else while (generation == mine) {
            spins++;
            Thread.onSpinWait();
        }
    }

    static long work(int id) {
        Map<Integer, int[]> kept = new HashMap<>();
        long sum = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < 2500; i++) {
                int[] made = new int[64 + i % 100];
                made[i % 64] = i * id;
                kept.put((i * 7 + round) % 1500, made);
            }
            for (int[] each : kept.values()) sum += each[round] + each.length;
            await();
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        long[] sums = new long[THREADS];
        Thread[] threads = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            int id = i;
            threads[i] = new Thread(() -> sums[id] = work(id + 1));
            threads[i].start();
        }
        for (Thread thread : threads) thread.join();
        long collections = java.lang.management.ManagementFactory.getGarbageCollectorMXBeans().stream()
            .mapToLong(each -> each.getCollectionCount()).sum();
        System.out.println(Arrays.toString(sums) + " " + (collections > 1) + " " + spins);
    }
}
