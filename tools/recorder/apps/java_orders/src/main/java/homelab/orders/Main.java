package homelab.orders;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts the order service and keeps it until SIGTERM. */
public final class Main {

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() { }

    public static void main(String[] arguments) {
        try {
            start(Settings.from(System.getenv()));
        } catch (Exception error) {
            LOG.error("Application run failed", error);
            System.exit(1);
        }
    }

    private static void start(Settings settings) throws Exception {
        LOG.info("Starting orders 1.4.2 on Java {} with pid {}", Runtime.version(), ProcessHandle.current().pid());
        LOG.info("max heap {} MiB, {} processors", Runtime.getRuntime().maxMemory() >> 20,
            Runtime.getRuntime().availableProcessors());
        Database database = new Database(settings);
        OrderHandlers handlers = new OrderHandlers(new OrderStore(database.pool()),
            new PaymentClient(settings.payments(), settings.paymentWait()));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", settings.port()), 64);
        server.createContext("/orders", handlers.logged(handlers::place));
        server.createContext("/labels/", handlers.logged(handlers::label));
        server.createContext("/exports/", handlers.logged(handlers::export));
        server.createContext("/reports/", handlers.logged(handlers::report));
        server.createContext("/follow/", handlers.logged(handlers::follow));
        server.createContext("/health", handlers.logged(handlers::health));
        ExecutorService workers = Executors.newFixedThreadPool(settings.workers());
        server.setExecutor(workers);
        server.start();
        LOG.info("Listening on port {}", settings.port());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            LOG.info("Shutdown requested, draining connections");
            server.stop(0);
            workers.shutdownNow();
            database.close();
            LOG.info("Stopped");
        }, "shutdown"));
    }
}
