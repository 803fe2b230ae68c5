package homelab.orders;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connection pool, its schema brought up to date. */
final class Database implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Database.class);
    private final HikariDataSource pool;

    Database(Settings settings) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("orders-pool");
        config.setJdbcUrl(settings.databaseUrl());
        config.setUsername(settings.databaseUser());
        config.setPassword(settings.databasePassword());
        config.setMaximumPoolSize(settings.poolSize());
        config.setConnectionTimeout(settings.poolWait().toMillis());
        config.setLeakDetectionThreshold(2500);
        pool = new HikariDataSource(config);
        try {
            int applied = Flyway.configure().dataSource(pool).locations(settings.migrations().split(","))
                .load().migrate().migrationsExecuted;
            LOG.info("schema is up to date, {} migrations applied", applied);
        } catch (RuntimeException error) {
            pool.close();
            throw error;
        }
    }

    HikariDataSource pool() {
        return pool;
    }

    @Override
    public void close() {
        pool.close();
    }
}
