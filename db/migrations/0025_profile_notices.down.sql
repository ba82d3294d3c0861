DROP TRIGGER staff_profiles_emptied ON stafftable;
DROP TRIGGER staff_profile_removal ON stafftable;
DROP TRIGGER staff_profile_change ON stafftable;
DROP TRIGGER customer_profile_removal ON customertable;
DROP TRIGGER customer_profile_change ON customertable;
