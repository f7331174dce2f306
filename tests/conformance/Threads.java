// SPDX-License-Identifier: MIT
// A pool, plain threads, a concurrent map, a child process, garbage to collect.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

public class Threads {
	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Long>> results = new ArrayList<>();
		for (int i = 0; i < 50; i++) {
			final int k = i;
			results.add(pool.submit(() -> {
				long s = 0;
				for (int j = 0; j < 200000; j++)
					s += j % (k + 1);
				synchronized (Threads.class) {
					return s + 1;
				}
			}));
		}
		long total = 0;
		for (Future<Long> r : results)
			total += r.get();
		pool.shutdown();
		System.out.println(total);

		System.out.println(new ProcessBuilder("sh", "-c", "echo child; exit 3").inheritIO().start().waitFor());

		ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>();
		Thread[] threads = new Thread[20];
		for (int i = 0; i < threads.length; i++) {
			final int k = i;
			threads[i] = new Thread(() -> {
				for (int j = 0; j < 1000; j++)
					map.merge(j % 100, k, Integer::sum);
			});
			threads[i].start();
		}
		for (Thread t : threads)
			t.join();
		System.out.println(map.values().stream().mapToInt(Integer::intValue).sum());

		byte[][] garbage = new byte[64][];
		for (int i = 0; i < 2000; i++)
			garbage[i % garbage.length] = new byte[100000];
		System.gc();
		try {
			Object none = args.length > 100 ? args : null;
			none.hashCode();
		} catch (NullPointerException e) {
			System.out.println("null pointer");
		}
		System.exit(4);
	}
}
