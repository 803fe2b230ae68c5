CREATE TABLE stock (item VARCHAR(80) PRIMARY KEY, available INT NOT NULL);
INSERT INTO customers VALUES (1, 'Anna Brandt', 'Kiel'), (2, 'Jon Ek', 'Lund'), (3, 'Mira Sol', NULL);
INSERT INTO stock VALUES ('lamp', 900), ('chair', 450), ('shelf', 120);
