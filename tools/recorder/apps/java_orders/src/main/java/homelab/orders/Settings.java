package homelab.orders;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/** What the service reads from its environment, checked before anything starts. */
record Settings(int port, String databaseUrl, String databaseUser, String databasePassword, int poolSize,
                Duration poolWait, String migrations, URI payments, Duration paymentWait, int workers) {

    static Settings from(Map<String, String> env) {
        return new Settings(
            number(env, "ORDERS_PORT", 8080, 1, 65535),
            required(env, "ORDERS_DATABASE_URL"),
            env.getOrDefault("ORDERS_DATABASE_USER", "orders"),
            env.getOrDefault("ORDERS_DATABASE_PASSWORD", "orders"),
            number(env, "ORDERS_POOL_SIZE", 8, 1, 200),
            Duration.ofMillis(number(env, "ORDERS_POOL_WAIT_MS", 1000, 250, 60000)),
            env.getOrDefault("ORDERS_MIGRATIONS", "classpath:db/migration"),
            URI.create(required(env, "ORDERS_PAYMENTS_URL")),
            Duration.ofMillis(number(env, "ORDERS_PAYMENT_WAIT_MS", 800, 50, 60000)),
            number(env, "ORDERS_WORKERS", 6, 1, 512));
    }

    private static String required(Map<String, String> env, String name) {
        String value = env.get(name);
        if (value == null || value.isBlank()) {
            throw new IllegalStateException("Required environment variable " + name + " is not set");
        }
        return value;
    }

    private static int number(Map<String, String> env, String name, int otherwise, int least, int most) {
        String value = env.get(name);
        if (value == null) {
            return otherwise;
        }
        try {
            int parsed = Integer.parseInt(value);
            if (parsed < least || parsed > most) {
                throw new IllegalStateException("Environment variable " + name + "=" + value
                    + " is outside " + least + ".." + most);
            }
            return parsed;
        } catch (NumberFormatException error) {
            throw new IllegalStateException("Environment variable " + name + " is not a number", error);
        }
    }
}
