BEGIN TRANSACTION;
CREATE TABLE booking_outcomes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    client_trade_id TEXT NULL,
    fingerprint CHAR(64) NOT NULL,
    status VARCHAR(10) NOT NULL,
    trade_id INTEGER NULL,
    symbol VARCHAR(20) NOT NULL,
    side VARCHAR(4) NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    net_amount TEXT NOT NULL,
    fees TEXT NOT NULL,
    engine VARCHAR(100) NULL,
    outcome TEXT NOT NULL,
    decided_at DATETIME NOT NULL
);
INSERT INTO "booking_outcomes" VALUES(1,'b','k0','e817cf16c25b47a1529fe1a16a608d880aee5d4932965de23bdb5e842fff3f7a','booked',1,'SOL','BUY','2.84','65.192658','185.14714872','0.18514714872','b','{"position":{"symbol":"SOL","quantity":"2.84","ledger_quantity":"2.84","asset_cost":"185.14714872","cost_basis":"185.33229586872","realized_pnl":"0","avg_entry_price":"65.192658","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":null},"cash":"99814.66770413128","realized_pnl":"0","allocation_percent":"0.185147","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.653454');
INSERT INTO "booking_outcomes" VALUES(2,'a','k1','896629dec971d21f8bb03511985772c6416749f6fa1946f314eb04730ac1913f','booked',2,'LINK','BUY','5.8','0.74991317','4.349496386','0.004349496386','a','{"position":{"symbol":"LINK","quantity":"5.8","ledger_quantity":"5.8","asset_cost":"4.349496386","cost_basis":"4.353845882386","realized_pnl":"0","avg_entry_price":"0.74991317","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":null},"cash":"99810.313858248894","realized_pnl":"0","allocation_percent":"0.00435","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.661267');
INSERT INTO "booking_outcomes" VALUES(3,'a','k2','617657d47eef488e8dc9183f6c5b5ee2416749f6fa1946f314eb04730ac1913f','booked',3,'ETH','BUY','0.27','0.00008269','0.0000223263','0.000000022326','a','{"position":{"symbol":"ETH","quantity":"0.27","ledger_quantity":"0.27","asset_cost":"0.0000223263","cost_basis":"0.000022348626","realized_pnl":"0","avg_entry_price":"0.00008269","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":null},"cash":"99810.313835900268","realized_pnl":"0","allocation_percent":"0","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.665054');
INSERT INTO "booking_outcomes" VALUES(4,'b','k3','cc0044c232cf27ce51a88e48fb7517a10aee5d4932965de23bdb5e842fff3f7a','booked',4,'LINK','BUY','0.06','0.00000466','0.0000002796','0.00000000028','b','{"position":{"symbol":"LINK","quantity":"5.86","ledger_quantity":"5.86","asset_cost":"4.3494966656","cost_basis":"4.353846162266","realized_pnl":"0","avg_entry_price":"0.742234925870307167","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"99810.313835620388","realized_pnl":"0","allocation_percent":"0.004394","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.672062');
INSERT INTO "booking_outcomes" VALUES(5,'a','k4','5c87a2f398494a822fbd054e5582364b416749f6fa1946f314eb04730ac1913f','booked',5,'ETH','BUY','54.06858855','504.23154931','27263.088173571428','27.263088173571','a','{"position":{"symbol":"ETH","quantity":"54.33858855","ledger_quantity":"54.33858855","asset_cost":"27263.088195897728","cost_basis":"27290.351284093625","realized_pnl":"0","avg_entry_price":"501.72610153116919707","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"72519.962573875389","realized_pnl":"0","allocation_percent":"0.000006","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.676994');
INSERT INTO "booking_outcomes" VALUES(6,'a','k5','ba160286f347e4442605887a4752d97e416749f6fa1946f314eb04730ac1913f','booked',6,'LINK','BUY','0.05712044','87.6875184','5.008749633516','0.005008749634','a','{"position":{"symbol":"LINK","quantity":"5.91712044","ledger_quantity":"5.91712044","asset_cost":"9.358246299116","cost_basis":"9.367604545416","realized_pnl":"0","avg_entry_price":"1.581554134990025655","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"72514.948815492239","realized_pnl":"0","allocation_percent":"0.006103","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.680680');
INSERT INTO "booking_outcomes" VALUES(7,'b','k6','979174b81b566f1758ce6a25988d2ec20aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'LINK','SELL','20.59587128','15.5445755','320.154076100242','0.3201540761','b','{"error":"InsufficientQuantity","detail":"20.59587128 LINK cannot be sold: 5.91712044 is held"}','2026-11-28 08:46:29.688430');
INSERT INTO "booking_outcomes" VALUES(8,'b','k7','5a63539f7e6f931af3a6468d0e65a7b40aee5d4932965de23bdb5e842fff3f7a','booked',7,'SOL','SELL','0.03','1.63710022','0.0491130066','0.000049113007','b','{"position":{"symbol":"SOL","quantity":"2.81","ledger_quantity":"2.81","asset_cost":"183.19136898","cost_basis":"183.37456034898","realized_pnl":"-1.908671626147","avg_entry_price":"65.192658","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"72514.997879385832","realized_pnl":"-1.908671626147","allocation_percent":"0.251974","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.691541');
INSERT INTO "booking_outcomes" VALUES(9,'b','k8','6be952730115fb825d36be123fe5d2cd0aee5d4932965de23bdb5e842fff3f7a','booked',8,'SOL','BUY','2.19','2.36131557','5.1712810983','0.005171281098','b','{"position":{"symbol":"SOL","quantity":"5","ledger_quantity":"5","asset_cost":"188.3626500783","cost_basis":"188.551012728378","realized_pnl":"-1.908671626147","avg_entry_price":"37.67253001566","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"72509.821427006434","realized_pnl":"0","allocation_percent":"0.447504","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.695270');
INSERT INTO "booking_outcomes" VALUES(10,'b','k9','1263bd3ac80159c9fca088ad67b0886f0aee5d4932965de23bdb5e842fff3f7a','booked',9,'ETH','SELL','2.8','0.0000962','0.00026936','0.00000026936','b','{"position":{"symbol":"ETH","quantity":"51.53858855","ledger_quantity":"51.53858855","asset_cost":"25858.255111610454248205","cost_basis":"25884.113366722064011966","realized_pnl":"-1406.237648280920988034","avg_entry_price":"501.72610153116919707","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"72509.821696097074","realized_pnl":"-1406.237648280920988034","allocation_percent":"0.000006","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.701259');
INSERT INTO "booking_outcomes" VALUES(11,'a','k10','b773c5f66ecfbac88849d9f38f643faf416749f6fa1946f314eb04730ac1913f','booked',10,'SOL','BUY','69.52953663','11.59790409','806.396897256882','0.806396897257','a','{"position":{"symbol":"SOL","quantity":"74.52953663","ledger_quantity":"74.52953663","asset_cost":"994.759547335182","cost_basis":"995.754306882517","realized_pnl":"-1.908671626147","avg_entry_price":"13.347185455796412886","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"71702.618401942935","realized_pnl":"0","allocation_percent":"6.345883","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.704617');
INSERT INTO "booking_outcomes" VALUES(12,'b','k11','596e49fcbd41074ed1fd5f13b2929be20aee5d4932965de23bdb5e842fff3f7a','booked',11,'SOL','BUY','47.41','54.60248484','2588.7038062644','2.588703806264','b','{"position":{"symbol":"SOL","quantity":"121.93953663","ledger_quantity":"121.93953663","asset_cost":"3583.463353599582","cost_basis":"3587.046816953181","realized_pnl":"-1.908671626147","avg_entry_price":"29.387214783937152968","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69111.325891872271","realized_pnl":"0","allocation_percent":"10.315355","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.707905');
INSERT INTO "booking_outcomes" VALUES(13,'a','k12','cfcc7ef8d51fc5a5e8568bd969344bd3416749f6fa1946f314eb04730ac1913f','booked',12,'SOL','BUY','71.66277944','0.45125856','32.338442655692','0.032338442656','a','{"position":{"symbol":"SOL","quantity":"193.60231607","ledger_quantity":"193.60231607","asset_cost":"3615.801796255274","cost_basis":"3619.417598051529","realized_pnl":"-1.908671626147","avg_entry_price":"18.676438741300611756","mark":["65.192658","trade","2026-11-28T08:46:29.651702+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69078.955110773923","realized_pnl":"0","allocation_percent":"15.447614","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.713291');
INSERT INTO "booking_outcomes" VALUES(14,'a','k13','c4990ad589874813f0419304842e580b416749f6fa1946f314eb04730ac1913f','booked',13,'LINK','SELL','0.01','0.00007682','0.0000007682','0.000000000768','a','{"position":{"symbol":"LINK","quantity":"5.90712044","ledger_quantity":"5.90712044","asset_cost":"9.342430757766099743","cost_basis":"9.351773188524748349","realized_pnl":"-0.015830589459251651","avg_entry_price":"1.581554134990025655","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69078.955111541355","realized_pnl":"-0.015830589459251651","allocation_percent":"0.005422","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.717230');
INSERT INTO "booking_outcomes" VALUES(15,'b','k14','f5e9d42c2209a10e6b59ab9aa5911bd10aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'ADA','SELL','1.17','3.32732565','3.8929710105','0.00389297101','b','{"error":"InsufficientQuantity","detail":"1.17 ADA cannot be sold: 0 is held"}','2026-11-28 08:46:29.720639');
INSERT INTO "booking_outcomes" VALUES(16,'b','k15','8b034e773ebd9d5fcf660cd480c9a4c60aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'ETH','SELL','81.92798378','14.12793419','1157.473163163228','1.157473163163','b','{"error":"InsufficientQuantity","detail":"81.92798378 ETH cannot be sold: 51.53858855 is held"}','2026-11-28 08:46:29.725217');
INSERT INTO "booking_outcomes" VALUES(17,'b','k16','b9a84e5a4d5eba234ba448aa55357ebb0aee5d4932965de23bdb5e842fff3f7a','booked',14,'ETH','BUY','0.02','0.0000232','0.000000464','0.000000000464','b','{"position":{"symbol":"ETH","quantity":"51.55858855","ledger_quantity":"51.55858855","asset_cost":"25858.255112074454248205","cost_basis":"25884.113367186528011966","realized_pnl":"-1406.237648280920988034","avg_entry_price":"501.531477864214229895","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69078.955111076891","realized_pnl":"0","allocation_percent":"0.000005","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.728059');
INSERT INTO "booking_outcomes" VALUES(18,'b','k17','ca0f439afde3413d82ce03cd2eeab7640aee5d4932965de23bdb5e842fff3f7a','booked',15,'LINK','BUY','0.55','131.10875321','72.1098142655','0.072109814266','b','{"position":{"symbol":"LINK","quantity":"6.45712044","ledger_quantity":"6.45712044","asset_cost":"81.452245023266099743","cost_basis":"81.533697268290748349","realized_pnl":"-0.015830589459251651","avg_entry_price":"12.614329526625044606","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69006.773186997125","realized_pnl":"0","allocation_percent":"0.005932","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.733219');
INSERT INTO "booking_outcomes" VALUES(19,'b','k18','cdff3af17fceaabb8a477e7d3c0472740aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'ETH','SELL','69.05','410.97934998','28378.124116118997','28.378124116119','b','{"error":"InsufficientQuantity","detail":"69.05 ETH cannot be sold: 51.55858855 is held"}','2026-11-28 08:46:29.736855');
INSERT INTO "booking_outcomes" VALUES(20,'a','k19','590c0d2d3aaa0270c38e8600b6461064416749f6fa1946f314eb04730ac1913f','booked',16,'ADA','BUY','0.03989788','0.00006343','0.000002530723','0.000000002531','a','{"position":{"symbol":"ADA","quantity":"0.03989788","ledger_quantity":"0.03989788","asset_cost":"0.000002530723","cost_basis":"0.000002533254","realized_pnl":"0","avg_entry_price":"0.000063430011820177","mark":["0.00006343","trade","2026-11-28T08:46:29.738881+00:00"],"updated_at":null},"cash":"69006.773184463871","realized_pnl":"0","allocation_percent":"0","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.739646');
INSERT INTO "booking_outcomes" VALUES(21,'a','k20','8fdd83ba33a03d6d5895a1c4ab096e3b416749f6fa1946f314eb04730ac1913f','booked',17,'ETH','BUY','0.04406269','0.00006007','0.000002646846','0.000000002647','a','{"position":{"symbol":"ETH","quantity":"51.60265124","ledger_quantity":"51.60265124","asset_cost":"25858.255114721300248205","cost_basis":"25884.113369836021011966","realized_pnl":"-1406.237648280920988034","avg_entry_price":"501.103228096876757455","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69006.773181814378","realized_pnl":"0","allocation_percent":"0.000005","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.747774');
INSERT INTO "booking_outcomes" VALUES(22,'b','k21','01e8f7875c56355a3ede1cb949f621a10aee5d4932965de23bdb5e842fff3f7a','booked',18,'LINK','SELL','0.3','0.00000703','0.000002109','0.000000002109','b','{"position":{"symbol":"LINK","quantity":"6.15712044","ledger_quantity":"6.15712044","asset_cost":"77.667946165278586361","cost_basis":"77.745614111445183222","realized_pnl":"-3.803911639413816778","avg_entry_price":"12.614329526625044606","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69006.773183921269","realized_pnl":"-3.788081049954565127","allocation_percent":"0.005656","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.750955');
INSERT INTO "booking_outcomes" VALUES(23,'b','k22','5a5ce1acc43154b72ee72e6df3d6f5c50aee5d4932965de23bdb5e842fff3f7a','booked',19,'ETH','BUY','1.90322874','0.00004742','0.000090251107','0.000000090251','b','{"position":{"symbol":"ETH","quantity":"53.50587998","ledger_quantity":"53.50587998","asset_cost":"25858.255204972407248205","cost_basis":"25884.113460177379011966","realized_pnl":"-1406.237648280920988034","avg_entry_price":"483.278757673698337485","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69006.773093579911","realized_pnl":"0","allocation_percent":"0.000005","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.754176');
INSERT INTO "booking_outcomes" VALUES(24,'b','k23','f12e8e6b1cb3a9a4adb276392d47980a0aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'ADA','SELL','0.05','2.04375233','0.1021876165','0.000102187616','b','{"error":"InsufficientQuantity","detail":"0.05 ADA cannot be sold: 0.03989788 is held"}','2026-11-28 08:46:29.757686');
INSERT INTO "booking_outcomes" VALUES(25,'a','k24','ad8c1e6bafee2d19595414076768a3aa416749f6fa1946f314eb04730ac1913f','booked',20,'ADA','BUY','0.08','184.69350603','14.7754804824','0.014775480482','a','{"position":{"symbol":"ADA","quantity":"0.11989788","ledger_quantity":"0.11989788","asset_cost":"14.775483013123","cost_basis":"14.790258496136","realized_pnl":"0","avg_entry_price":"123.23389715583795143","mark":["0.00006343","trade","2026-11-28T08:46:29.738881+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"68991.982837617029","realized_pnl":"0","allocation_percent":"0","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.760351');
INSERT INTO "booking_outcomes" VALUES(26,'b','k25','0bd6bda8875409a8f5dd265bbcbb927a0aee5d4932965de23bdb5e842fff3f7a','refused',NULL,'PEPE','SELL','0.05431724','0.00009785','0.000005314942','0.000000005315','b','{"error":"InsufficientQuantity","detail":"0.05431724 PEPE cannot be sold: 0 is held"}','2026-11-28 08:46:29.767857');
INSERT INTO "booking_outcomes" VALUES(27,'b','k26','8c42e3c7d102c2aa70a7157d0a44dc580aee5d4932965de23bdb5e842fff3f7a','booked',21,'LINK','SELL','0.03666998','694.74411756','25.476252896043','0.025476252896','b','{"position":{"symbol":"LINK","quantity":"6.12045046","ledger_quantity":"6.12045046","asset_cost":"77.205378953823836508","cost_basis":"77.282584332778970768","realized_pnl":"21.183835225066970768","avg_entry_price":"12.614329526625044606","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"69017.433614260176","realized_pnl":"24.987746864480787546","allocation_percent":"0.005622","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.771011');
INSERT INTO "booking_outcomes" VALUES(28,'a','k27','c4f9311cf785feb1cf0951b8b97e1cd8416749f6fa1946f314eb04730ac1913f','booked',22,'PEPE','BUY','0.02','736.49964899','14.7299929798','0.01472999298','a','{"position":{"symbol":"PEPE","quantity":"0.02","ledger_quantity":"0.02","asset_cost":"14.7299929798","cost_basis":"14.74472297278","realized_pnl":"0","avg_entry_price":"736.49964899","mark":["736.49964899","trade","2026-11-28T08:46:29.773487+00:00"],"updated_at":null},"cash":"69002.688891287396","realized_pnl":"0","allocation_percent":"0.018042","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.774240');
INSERT INTO "booking_outcomes" VALUES(29,'b','k28','6e7e85428b0be2f0405019c7337fc75e0aee5d4932965de23bdb5e842fff3f7a','booked',23,'LINK','BUY','49.28','19.79207173','975.3532948544','0.975353294854','b','{"position":{"symbol":"LINK","quantity":"55.40045046","ledger_quantity":"55.40045046","asset_cost":"1052.558673808223836508","cost_basis":"1053.611232482032970768","realized_pnl":"21.183835225066970768","avg_entry_price":"18.999099557289481225","mark":["0.74991317","trade","2026-11-28T08:46:29.658827+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"68026.360243138142","realized_pnl":"0","allocation_percent":"0.051479","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.777794');
INSERT INTO "booking_outcomes" VALUES(30,'b','k29','aea968bea97d84265f20e55457b895750aee5d4932965de23bdb5e842fff3f7a','booked',24,'ETH','BUY','2.07756583','727.70916852','1511.863702694864','1.511863702695','b','{"position":{"symbol":"ETH","quantity":"55.58344581","ledger_quantity":"55.58344581","asset_cost":"27370.118907667271248205","cost_basis":"27397.489026574938011966","realized_pnl":"-1406.237648280920988034","avg_entry_price":"492.414935936611578134","mark":["0.00008269","trade","2026-11-28T08:46:29.664247+00:00"],"updated_at":"2026-11-28T08:46:29+00:00"},"cash":"66512.984676740583","realized_pnl":"0","allocation_percent":"0.000006","over_concentrated":false,"possible_duplicate_of":null}','2026-11-28 08:46:29.785350');
CREATE TABLE cash_movements (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    portfolio_id INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    cash_delta TEXT NOT NULL,
    net_deposits_delta TEXT NOT NULL,
    realized_delta TEXT NOT NULL,
    value_before TEXT NOT NULL,
    moved_at DATETIME NOT NULL,
    ledger_revision INTEGER NOT NULL,
    owner TEXT NOT NULL,
    client_movement_id TEXT NULL,
    fingerprint CHAR(64) NULL,
    note TEXT NULL,
    cash_after TEXT NOT NULL,
    net_deposits_after TEXT NOT NULL
);
INSERT INTO "cash_movements" VALUES(1,1,'baseline','0','0','0','0','2026-11-28 08:46:27.522493',1,'service',NULL,NULL,NULL,'0','0');
INSERT INTO "cash_movements" VALUES(2,1,'deposit','100000','100000','0','0','2026-11-28 08:46:27.522493',2,'service',NULL,NULL,'initial cash','100000','100000');
INSERT INTO "cash_movements" VALUES(3,1,'deposit','1234.5','1234.5','0','79190.7143805039401755','2026-11-28 08:46:29.791502',27,'','m1','f77241a760e6a79d4f9723af7225c886d8335d6a2d068cabf510fb971608c1e9',NULL,'67747.484676740583','101234.5');
CREATE TABLE daily_positions (
    day DATE NOT NULL PRIMARY KEY,
    positions TEXT NOT NULL
);
INSERT INTO "daily_positions" VALUES('2026-11-28','{}');
CREATE TABLE leases (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at DATETIME NOT NULL
);
INSERT INTO "leases" VALUES('prices','vm:13096:af4fe867',1,'2026-11-28 08:46:28.997000');
CREATE TABLE mock_holdings (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    symbol VARCHAR(20) NOT NULL,
    quantity TEXT NOT NULL DEFAULT 0,
    avg_entry_price TEXT NOT NULL DEFAULT 0,
    total_invested TEXT NOT NULL DEFAULT 0,
    realized_pnl TEXT DEFAULT 0,
    unrealized_pnl TEXT DEFAULT 0,
    total_pnl TEXT DEFAULT 0,
    last_price TEXT DEFAULT 0,
    position_value TEXT DEFAULT 0,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
, asset_cost TEXT NULL, ledger_quantity TEXT NOT NULL DEFAULT 0, price_source VARCHAR(40) NULL, price_at DATETIME NULL);
INSERT INTO "mock_holdings" VALUES(1,'SOL','190.76231607','17.983922182389521037','3434.085302182809','-1.908671626147','9002.21712865660506','9000.30845703045806','65.192658','12436.30243083941406','2026-11-28 08:46:29','2026-11-28 08:46:29','3430.654647535274','190.76231607','trade','2026-11-28 08:46:29.651702');
INSERT INTO "mock_holdings" VALUES(2,'LINK','55.40045046','18.999099557289481225','1053.611232482032970768','21.183835225066970768','-1012.065705058146412568','-990.8818698330794418','0.74991317','41.5455274238865582','2026-11-28 08:46:29','2026-11-28 08:46:29','1052.558673808223836508','55.40045046','trade','2026-11-28 08:46:29.658827');
INSERT INTO "mock_holdings" VALUES(3,'ETH','55.58344581','492.414935936611578134','27397.489026574938011966','-1406.237648280920988034','-27397.484430379803983066','-28803.7220786607249711','0.00008269','0.0045961951340289','2026-11-28 08:46:29','2026-11-28 08:46:29','27370.118907667271248205','55.58344581','trade','2026-11-28 08:46:29.664247');
INSERT INTO "mock_holdings" VALUES(4,'ADA','0.11989788','123.23389715583795143','14.790258496136','0','-14.7902508910134716','-14.7902508910134716','0.00006343','0.0000076051225284','2026-11-28 08:46:29','2026-11-28 08:46:29','14.775483013123','0.11989788','trade','2026-11-28 08:46:29.738881');
INSERT INTO "mock_holdings" VALUES(5,'PEPE','0.02','736.49964899','14.74472297278','0','-0.01472999298','-0.01472999298','736.49964899','14.7299929798','2026-11-28 08:46:29','2026-11-28 08:46:29','14.7299929798','0.02','trade','2026-11-28 08:46:29.773487');
CREATE TABLE mock_performance_history (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    date DATE NOT NULL,
    portfolio_value TEXT NOT NULL,
    cash_balance TEXT NOT NULL,
    invested_amount TEXT NOT NULL,
    daily_pnl TEXT NOT NULL DEFAULT 0,
    daily_return TEXT NOT NULL DEFAULT 0,
    cumulative_return TEXT NOT NULL DEFAULT 0,
    num_positions INTEGER DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
, unit_value TEXT NULL, net_deposits TEXT NULL, realized_pnl TEXT NULL, trades INTEGER NULL, wins INTEGER NULL, losses INTEGER NULL, gross_profit TEXT NULL, gross_loss TEXT NULL);
INSERT INTO "mock_performance_history" VALUES(1,'2026-11-28','100000','100000','0','0','0','0',0,'2026-11-28 08:46:29','1','100000','0',0,0,0,'0','0');
CREATE TABLE mock_portfolio (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    total_value TEXT NOT NULL DEFAULT 100000,
    cash_balance TEXT NOT NULL DEFAULT 100000,
    invested_amount TEXT NOT NULL DEFAULT 0,
    total_pnl TEXT NOT NULL DEFAULT 0,
    total_pnl_percent TEXT DEFAULT 0,
    total_trades INTEGER DEFAULT 0,
    winning_trades INTEGER DEFAULT 0,
    losing_trades INTEGER DEFAULT 0,
    win_rate TEXT DEFAULT 0,
    largest_win TEXT DEFAULT 0,
    largest_loss TEXT DEFAULT 0,
    sharpe_ratio TEXT NULL,
    max_drawdown TEXT DEFAULT 0,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
, revision INTEGER NOT NULL DEFAULT 0, price_revision INTEGER NOT NULL DEFAULT 0, net_deposits TEXT NOT NULL DEFAULT 0, realized_pnl TEXT NOT NULL DEFAULT 0, fees_paid TEXT NOT NULL DEFAULT 0, ledger_cash TEXT NULL, unit_count TEXT NOT NULL DEFAULT 0, unit_value TEXT NOT NULL DEFAULT 1, booked_trades INTEGER NOT NULL DEFAULT 0, booked_wins INTEGER NOT NULL DEFAULT 0, booked_losses INTEGER NOT NULL DEFAULT 0, gross_profit TEXT NOT NULL DEFAULT 0, gross_loss TEXT NOT NULL DEFAULT 0);
INSERT INTO "mock_portfolio" VALUES(1,'80425.3995276526601755','67932.816972609303','12492.5825550433571755','-20809.1004723473398245','-20.55534474',23,1,4,'20','0','0',NULL,'0','2026-11-28 08:46:29','2026-11-28 08:46:27',28,1,'101234.5','-1386.962484682001017266','33.319414888782','67932.816972609303','101558.894890211930018294','0.791907143805039402',23,1,4,'24.987746864480787546','1411.950231546481804812');
CREATE TABLE mock_trades (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    recommendation_id INTEGER NULL,
    symbol VARCHAR(20) NOT NULL,
    side VARCHAR(4) NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    amount TEXT NOT NULL,
    fee TEXT DEFAULT 0,
    net_amount TEXT NOT NULL,
    order_type VARCHAR(20) DEFAULT 'MARKET',
    status VARCHAR(9) DEFAULT 'FILLED',
    execution_time DATETIME NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    notes TEXT,
    confidence TEXT NULL,
    regime VARCHAR(20) NULL
, client_trade_id TEXT NULL, booked_by TEXT NULL, fingerprint CHAR(64) NULL, cash_delta TEXT NULL, asset_delta TEXT NULL, basis_sold TEXT NULL, realized_pnl TEXT NULL, closes BOOLEAN NULL, ledger_revision INTEGER NULL, portfolio_id INTEGER NULL, engine VARCHAR(100) NULL, signal_id VARCHAR(128) NULL, recommendation_ref VARCHAR(128) NULL, reverses_trade_id INTEGER NULL, booked_at DATETIME NULL);
INSERT INTO "mock_trades" VALUES(1,NULL,'SOL','BUY','2.84','65.192658','185.14714872','0.18514714872','185.33229586872','MARKET','FILLED','2026-11-28 08:46:29.651702','2026-11-28 08:46:29',NULL,NULL,NULL,'k0','b','e817cf16c25b47a1529fe1a16a608d880aee5d4932965de23bdb5e842fff3f7a','-185.33229586872','185.14714872','0','0',0,3,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.653454');
INSERT INTO "mock_trades" VALUES(2,NULL,'LINK','BUY','5.8','0.74991317','4.349496386','0.004349496386','4.353845882386','MARKET','FILLED','2026-11-28 08:46:29.658827','2026-11-28 08:46:29',NULL,NULL,NULL,'k1','a','896629dec971d21f8bb03511985772c6416749f6fa1946f314eb04730ac1913f','-4.353845882386','4.349496386','0','0',0,4,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.661267');
INSERT INTO "mock_trades" VALUES(3,NULL,'ETH','BUY','0.27','0.00008269','0.0000223263','0.000000022326','0.000022348626','MARKET','FILLED','2026-11-28 08:46:29.664247','2026-11-28 08:46:29',NULL,NULL,NULL,'k2','a','617657d47eef488e8dc9183f6c5b5ee2416749f6fa1946f314eb04730ac1913f','-0.000022348626','0.0000223263','0','0',0,5,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.665054');
INSERT INTO "mock_trades" VALUES(4,NULL,'LINK','BUY','0.06','0.00000466','0.0000002796','0.00000000028','0.00000027988','MARKET','FILLED','2026-11-28 08:46:29.671293','2026-11-28 08:46:29',NULL,NULL,NULL,'k3','b','cc0044c232cf27ce51a88e48fb7517a10aee5d4932965de23bdb5e842fff3f7a','-0.00000027988','0.0000002796','0','0',0,6,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.672062');
INSERT INTO "mock_trades" VALUES(5,NULL,'ETH','BUY','54.06858855','504.23154931','27263.088173571428','27.263088173571','27290.351261744999','MARKET','FILLED','2026-11-28 08:46:29.676159','2026-11-28 08:46:29',NULL,NULL,NULL,'k4','a','5c87a2f398494a822fbd054e5582364b416749f6fa1946f314eb04730ac1913f','-27290.351261744999','27263.088173571428','0','0',0,7,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.676994');
INSERT INTO "mock_trades" VALUES(6,NULL,'LINK','BUY','0.05712044','87.6875184','5.008749633516','0.005008749634','5.01375838315','MARKET','FILLED','2026-11-28 08:46:29.679837','2026-11-28 08:46:29',NULL,NULL,NULL,'k5','a','ba160286f347e4442605887a4752d97e416749f6fa1946f314eb04730ac1913f','-5.01375838315','5.008749633516','0','0',0,8,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.680680');
INSERT INTO "mock_trades" VALUES(7,NULL,'SOL','SELL','0.03','1.63710022','0.0491130066','0.000049113007','0.049063893593','MARKET','FILLED','2026-11-28 08:46:29.690762','2026-11-28 08:46:29',NULL,NULL,NULL,'k7','b','5a63539f7e6f931af3a6468d0e65a7b40aee5d4932965de23bdb5e842fff3f7a','0.049063893593','-1.95577974','1.95773551974','-1.908671626147',1,9,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.691541');
INSERT INTO "mock_trades" VALUES(8,NULL,'SOL','BUY','2.19','2.36131557','5.1712810983','0.005171281098','5.176452379398','MARKET','FILLED','2026-11-28 08:46:29.694546','2026-11-28 08:46:29',NULL,NULL,NULL,'k8','b','6be952730115fb825d36be123fe5d2cd0aee5d4932965de23bdb5e842fff3f7a','-5.176452379398','5.1712810983','0','0',0,10,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.695270');
INSERT INTO "mock_trades" VALUES(9,NULL,'ETH','SELL','2.8','0.0000962','0.00026936','0.00000026936','0.00026909064','MARKET','FILLED','2026-11-28 08:46:29.697962','2026-11-28 08:46:29',NULL,NULL,NULL,'k9','b','1263bd3ac80159c9fca088ad67b0886f0aee5d4932965de23bdb5e842fff3f7a','0.00026909064','-1404.833084287273751795','1406.237917371560988034','-1406.237648280920988034',1,11,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.701259');
INSERT INTO "mock_trades" VALUES(10,NULL,'SOL','BUY','69.52953663','11.59790409','806.396897256882','0.806396897257','807.203294154139','MARKET','FILLED','2026-11-28 08:46:29.703868','2026-11-28 08:46:29',NULL,NULL,NULL,'k10','a','b773c5f66ecfbac88849d9f38f643faf416749f6fa1946f314eb04730ac1913f','-807.203294154139','806.396897256882','0','0',0,12,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.704617');
INSERT INTO "mock_trades" VALUES(11,NULL,'SOL','BUY','47.41','54.60248484','2588.7038062644','2.588703806264','2591.292510070664','MARKET','FILLED','2026-11-28 08:46:29.707179','2026-11-28 08:46:29',NULL,NULL,NULL,'k11','b','596e49fcbd41074ed1fd5f13b2929be20aee5d4932965de23bdb5e842fff3f7a','-2591.292510070664','2588.7038062644','0','0',0,13,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.707905');
INSERT INTO "mock_trades" VALUES(12,NULL,'SOL','BUY','71.66277944','0.45125856','32.338442655692','0.032338442656','32.370781098348','MARKET','FILLED','2026-11-28 08:46:29.710345','2026-11-28 08:46:29',NULL,NULL,NULL,'k12','a','cfcc7ef8d51fc5a5e8568bd969344bd3416749f6fa1946f314eb04730ac1913f','-32.370781098348','32.338442655692','0','0',0,14,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.713291');
INSERT INTO "mock_trades" VALUES(13,NULL,'LINK','SELL','0.01','0.00007682','0.0000007682','0.000000000768','0.000000767432','MARKET','FILLED','2026-11-28 08:46:29.716461','2026-11-28 08:46:29',NULL,NULL,NULL,'k13','a','c4990ad589874813f0419304842e580b416749f6fa1946f314eb04730ac1913f','0.000000767432','-0.015815541349900257','0.015831356891251651','-0.015830589459251651',1,15,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.717230');
INSERT INTO "mock_trades" VALUES(14,NULL,'ETH','BUY','0.02','0.0000232','0.000000464','0.000000000464','0.000000464464','MARKET','FILLED','2026-11-28 08:46:29.727358','2026-11-28 08:46:29',NULL,NULL,NULL,'k16','b','b9a84e5a4d5eba234ba448aa55357ebb0aee5d4932965de23bdb5e842fff3f7a','-0.000000464464','0.000000464','0','0',0,16,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.728059');
INSERT INTO "mock_trades" VALUES(15,NULL,'LINK','BUY','0.55','131.10875321','72.1098142655','0.072109814266','72.181924079766','MARKET','FILLED','2026-11-28 08:46:29.730695','2026-11-28 08:46:29',NULL,NULL,NULL,'k17','b','ca0f439afde3413d82ce03cd2eeab7640aee5d4932965de23bdb5e842fff3f7a','-72.181924079766','72.1098142655','0','0',0,17,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.733219');
INSERT INTO "mock_trades" VALUES(16,NULL,'ADA','BUY','0.03989788','0.00006343','0.000002530723','0.000000002531','0.000002533254','MARKET','FILLED','2026-11-28 08:46:29.738881','2026-11-28 08:46:29',NULL,NULL,NULL,'k19','a','590c0d2d3aaa0270c38e8600b6461064416749f6fa1946f314eb04730ac1913f','-0.000002533254','0.000002530723','0','0',0,18,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.739646');
INSERT INTO "mock_trades" VALUES(17,NULL,'ETH','BUY','0.04406269','0.00006007','0.000002646846','0.000000002647','0.000002649493','MARKET','FILLED','2026-11-28 08:46:29.747017','2026-11-28 08:46:29',NULL,NULL,NULL,'k20','a','8fdd83ba33a03d6d5895a1c4ab096e3b416749f6fa1946f314eb04730ac1913f','-0.000002649493','0.000002646846','0','0',0,19,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.747774');
INSERT INTO "mock_trades" VALUES(18,NULL,'LINK','SELL','0.3','0.00000703','0.000002109','0.000000002109','0.000002106891','MARKET','FILLED','2026-11-28 08:46:29.750211','2026-11-28 08:46:29',NULL,NULL,NULL,'k21','b','01e8f7875c56355a3ede1cb949f621a10aee5d4932965de23bdb5e842fff3f7a','0.000002106891','-3.784298857987513382','3.788083156845565127','-3.788081049954565127',1,20,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.750955');
INSERT INTO "mock_trades" VALUES(19,NULL,'ETH','BUY','1.90322874','0.00004742','0.000090251107','0.000000090251','0.000090341358','MARKET','FILLED','2026-11-28 08:46:29.753445','2026-11-28 08:46:29',NULL,NULL,NULL,'k22','b','5a5ce1acc43154b72ee72e6df3d6f5c50aee5d4932965de23bdb5e842fff3f7a','-0.000090341358','0.000090251107','0','0',0,21,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.754176');
INSERT INTO "mock_trades" VALUES(20,NULL,'ADA','BUY','0.08','184.69350603','14.7754804824','0.014775480482','14.790255962882','MARKET','FILLED','2026-11-28 08:46:29.759660','2026-11-28 08:46:29',NULL,NULL,NULL,'k24','a','ad8c1e6bafee2d19595414076768a3aa416749f6fa1946f314eb04730ac1913f','-14.790255962882','14.7754804824','0','0',0,22,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.760351');
INSERT INTO "mock_trades" VALUES(21,NULL,'LINK','SELL','0.03666998','694.74411756','25.476252896043','0.025476252896','25.450776643147','MARKET','FILLED','2026-11-28 08:46:29.770301','2026-11-28 08:46:29',NULL,NULL,NULL,'k26','b','8c42e3c7d102c2aa70a7157d0a44dc580aee5d4932965de23bdb5e842fff3f7a','25.450776643147','-0.462567211454749853','0.463029778666212454','24.987746864480787546',1,23,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.771011');
INSERT INTO "mock_trades" VALUES(22,NULL,'PEPE','BUY','0.02','736.49964899','14.7299929798','0.01472999298','14.74472297278','MARKET','FILLED','2026-11-28 08:46:29.773487','2026-11-28 08:46:29',NULL,NULL,NULL,'k27','a','c4f9311cf785feb1cf0951b8b97e1cd8416749f6fa1946f314eb04730ac1913f','-14.74472297278','14.7299929798','0','0',0,24,1,'a',NULL,NULL,NULL,'2026-11-28 08:46:29.774240');
INSERT INTO "mock_trades" VALUES(23,NULL,'LINK','BUY','49.28','19.79207173','975.3532948544','0.975353294854','976.328648149254','MARKET','FILLED','2026-11-28 08:46:29.776731','2026-11-28 08:46:29',NULL,NULL,NULL,'k28','b','6e7e85428b0be2f0405019c7337fc75e0aee5d4932965de23bdb5e842fff3f7a','-976.328648149254','975.3532948544','0','0',0,25,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.777794');
INSERT INTO "mock_trades" VALUES(24,NULL,'ETH','BUY','2.07756583','727.70916852','1511.863702694864','1.511863702695','1513.375566397559','MARKET','FILLED','2026-11-28 08:46:29.780279','2026-11-28 08:46:29',NULL,NULL,NULL,'k29','b','aea968bea97d84265f20e55457b895750aee5d4932965de23bdb5e842fff3f7a','-1513.375566397559','1511.863702694864','0','0',0,26,1,'b',NULL,NULL,NULL,'2026-11-28 08:46:29.785350');
INSERT INTO "mock_trades" VALUES(25,NULL,'SOL','SELL','2.84','65.192658','185.14714872','0.18514714872','185.33229586872','MARKET','FILLED','2026-11-28 08:46:29.801167','2026-11-28 08:46:29',NULL,NULL,NULL,NULL,'',NULL,'185.33229586872','-185.14714872','0','0',0,28,1,NULL,NULL,NULL,1,'2026-11-28 08:46:29.801167');
CREATE TABLE portfolio_close_marks (
    symbol VARCHAR(20) NOT NULL PRIMARY KEY,
    price_revision INTEGER NOT NULL
);
CREATE TABLE portfolio_price_history (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    symbol VARCHAR(20) NOT NULL,
    granularity VARCHAR(4) NOT NULL,
    observed_at DATETIME NOT NULL,
    price TEXT NOT NULL,
    source VARCHAR(40) NOT NULL
);
CREATE TABLE portfolio_schema_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT portfolio_schema_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "portfolio_schema_version" VALUES('0018');
CREATE TABLE position_adjustments (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    movement_id INTEGER NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    quantity_delta TEXT NOT NULL
);
CREATE TABLE rebalance_signals (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    signal_id TEXT NOT NULL,
    portfolio_id INTEGER NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    action VARCHAR(4) NOT NULL,
    reason VARCHAR(40) NOT NULL,
    also VARCHAR(255) NOT NULL,
    quantity TEXT NOT NULL,
    trade_value TEXT NOT NULL,
    estimated_fee TEXT NOT NULL,
    current_allocation TEXT NOT NULL,
    target_allocation TEXT NOT NULL,
    priority VARCHAR(10) NOT NULL,
    confidence TEXT NOT NULL,
    evidence TEXT NOT NULL,
    ledger_revision INTEGER NOT NULL,
    price_revision INTEGER NOT NULL,
    policy_id VARCHAR(64) NOT NULL,
    statistics_day DATE NOT NULL,
    state CHAR(64) NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    status VARCHAR(12) NOT NULL,
    acknowledged_by TEXT NULL,
    acknowledged_at DATETIME NULL,
    executed_trade_id INTEGER NULL,
    superseded_by TEXT NULL
);
CREATE UNIQUE INDEX unique_mock_symbol ON mock_holdings (symbol);
CREATE INDEX idx_mock_trades_symbol ON mock_trades (symbol);
CREATE INDEX idx_mock_trades_execution_time ON mock_trades (execution_time);
CREATE INDEX idx_mock_trades_status ON mock_trades (status);
CREATE INDEX idx_mock_trades_recommendation_id ON mock_trades (recommendation_id);
CREATE UNIQUE INDEX unique_date ON mock_performance_history (date);
CREATE UNIQUE INDEX unique_booking ON mock_trades (booked_by, client_trade_id);
CREATE UNIQUE INDEX unique_reversal ON mock_trades (reverses_trade_id);
CREATE UNIQUE INDEX unique_ledger_revision ON mock_trades (ledger_revision);
CREATE INDEX idx_mock_trades_fingerprint ON mock_trades (fingerprint);
CREATE UNIQUE INDEX unique_outcome ON booking_outcomes (client_trade_id, owner);
CREATE INDEX idx_booking_outcomes_status ON booking_outcomes (status, id);
CREATE UNIQUE INDEX unique_movement ON cash_movements (owner, client_movement_id);
CREATE UNIQUE INDEX unique_movement_revision ON cash_movements (ledger_revision);
CREATE INDEX idx_position_adjustments_movement ON position_adjustments (movement_id);
CREATE UNIQUE INDEX unique_price ON portfolio_price_history (symbol, granularity, observed_at);
CREATE INDEX idx_price_history_age ON portfolio_price_history (granularity, observed_at);
CREATE UNIQUE INDEX unique_signal ON rebalance_signals (signal_id);
CREATE INDEX idx_rebalance_signals_status ON rebalance_signals (status, id);
CREATE INDEX idx_mock_trades_engine ON mock_trades (engine);
COMMIT;
