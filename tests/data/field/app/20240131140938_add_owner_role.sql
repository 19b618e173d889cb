alter type app_role add value if not exists 'owner';
